-- The layout of the store, a contract that `docs/audit.md` describes.
CREATE TABLE repository (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL
);
CREATE TABLE outcome (
    id INTEGER PRIMARY KEY,
    states TEXT NOT NULL UNIQUE
);
CREATE TABLE change (
    id INTEGER PRIMARY KEY,
    repository INTEGER NOT NULL REFERENCES repository,
    branch TEXT NOT NULL,
    base TEXT NOT NULL,
    head TEXT NOT NULL,
    judged_by TEXT NOT NULL,
    policy TEXT NOT NULL,
    floor TEXT NOT NULL,
    version TEXT NOT NULL,
    at INTEGER NOT NULL,
    merged TEXT NOT NULL,
    subject TEXT NOT NULL,
    verdict TEXT NOT NULL,
    reason TEXT NOT NULL,
    outcome INTEGER NOT NULL REFERENCES outcome,
    seen INTEGER NOT NULL DEFAULT 0,
    UNIQUE (repository, branch, judged_by, floor, version, head, base, policy)
);
CREATE TABLE finding (
    change INTEGER NOT NULL REFERENCES change,
    position INTEGER NOT NULL,
    code TEXT NOT NULL,
    severity TEXT NOT NULL,
    state TEXT NOT NULL,
    path TEXT,
    data TEXT NOT NULL,
    PRIMARY KEY (change, position)
) WITHOUT ROWID;
