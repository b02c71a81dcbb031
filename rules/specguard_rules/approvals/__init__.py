"""Rules about approvals: their log is whole, and each was given for this change by somebody who may."""
