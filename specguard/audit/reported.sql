-- The changes and repositories that one audit reports, in temporary tables and views.
CREATE TEMP TABLE chosen (change INTEGER PRIMARY KEY, fresh INTEGER NOT NULL, age INTEGER NOT NULL);
CREATE TEMP TABLE mentioned (repository INTEGER PRIMARY KEY);
CREATE TEMP VIEW told AS
    SELECT change.*, repository.name AS name, chosen.fresh AS fresh, chosen.age AS age,
        strftime('%Y-%m', at, 'unixepoch') AS month, verdict IN ('passed', 'accepted') AS passed,
        verdict NOT IN ('no-authority', 'error') AS judged,
        verdict IN ('no-authority', 'error', 'indeterminate') AS unclear,
        (SELECT states FROM outcome WHERE outcome.id = change.outcome) AS states
    FROM chosen JOIN change ON change.id = chosen.change JOIN repository ON repository.id = change.repository;
CREATE TEMP VIEW told_finding AS
    SELECT told.*, finding.position AS position, code, severity, finding.state AS state, path, data,
        finding.state = 'open' AND severity = 'error' AS is_open
    FROM told JOIN finding ON finding.change = told.id;
