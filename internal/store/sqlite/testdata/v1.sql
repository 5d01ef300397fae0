-- A store of schema version 1, as the first tutti wrote it. The key is the one of the tests.
CREATE TABLE meta (lineage TEXT NOT NULL, serial INTEGER NOT NULL);

CREATE TABLE state (
	id INTEGER PRIMARY KEY,
	module TEXT NOT NULL, kind TEXT NOT NULL, type TEXT NOT NULL, name TEXT NOT NULL, key TEXT NOT NULL, deposed TEXT NOT NULL,
	serial INTEGER NOT NULL, driver TEXT NOT NULL, schema_version INTEGER NOT NULL,
	attributes BLOB, detail BLOB, needs TEXT, sealed BLOB, sum INTEGER NOT NULL,
	UNIQUE (module, kind, type, name, key, deposed)
) STRICT;
CREATE INDEX state_serial ON state (serial);

CREATE TABLE gone (
	module TEXT NOT NULL, kind TEXT NOT NULL, type TEXT NOT NULL, name TEXT NOT NULL, key TEXT NOT NULL, deposed TEXT NOT NULL,
	serial INTEGER NOT NULL,
	PRIMARY KEY (module, kind, type, name, key, deposed)
) STRICT, WITHOUT ROWID;
CREATE INDEX gone_serial ON gone (serial);

CREATE TABLE output (
	name TEXT PRIMARY KEY, serial INTEGER NOT NULL, sensitive INTEGER NOT NULL, type BLOB, value BLOB, sealed BLOB
) STRICT;

CREATE TABLE run (
	id INTEGER PRIMARY KEY AUTOINCREMENT, parent INTEGER NOT NULL, machine TEXT NOT NULL, command TEXT NOT NULL,
	user TEXT NOT NULL, host TEXT NOT NULL, created INTEGER NOT NULL, ended INTEGER NOT NULL,
	status TEXT NOT NULL, message TEXT NOT NULL, plan BLOB
) STRICT;

CREATE TABLE journal (
	run INTEGER NOT NULL, idx INTEGER NOT NULL, sum BLOB NOT NULL, sealed BLOB NOT NULL,
	PRIMARY KEY (run, idx)
) STRICT, WITHOUT ROWID;

CREATE TABLE preimage (
	id INTEGER PRIMARY KEY, run INTEGER NOT NULL,
	module TEXT NOT NULL, kind TEXT NOT NULL, type TEXT NOT NULL, name TEXT NOT NULL, key TEXT NOT NULL, deposed TEXT NOT NULL,
	serial INTEGER, driver TEXT, schema_version INTEGER,
	attributes BLOB, detail BLOB, needs TEXT, sealed BLOB, sum INTEGER,
	UNIQUE (run, module, kind, type, name, key, deposed)
) STRICT;

CREATE TABLE preimage_output (
	run INTEGER NOT NULL, name TEXT NOT NULL, serial INTEGER, sensitive INTEGER, type BLOB, value BLOB, sealed BLOB,
	PRIMARY KEY (run, name)
) STRICT;

CREATE TABLE lease (
	run INTEGER PRIMARY KEY, holder TEXT NOT NULL, reason TEXT NOT NULL, since INTEGER NOT NULL, renewed INTEGER NOT NULL,
	whole INTEGER NOT NULL, objects TEXT NOT NULL, place TEXT NOT NULL, pid INTEGER NOT NULL, started TEXT NOT NULL
) STRICT;

INSERT INTO meta VALUES ('6d5a2f3c-0000-4000-8000-000000000001', 12);
INSERT INTO state VALUES (1, 'module.m["k"]', 'resource', 'a', 'secret', '[0]', '', 1, 'provider["x/y/z"]', 2, NULL, X'7b2273656e736974697665223a5b5b7b2274797065223a226765745f61747472222c2276616c7565223a2276616c7565227d5d5d7d', 'a.plain
data.b.c[1]', X'0155ea442c2c6eef01dfe5d0cccaaea6057b3050ee4c1173931216b9b6a82c2a16f30d81eb618eb2ff2a62e90f80962c95efbc0cb6563c9786f1b0a015a3219d1f98c8022f4553f3a244496c318f82', 795437655);
INSERT INTO state VALUES (2, '', 'resource', 'a', 'plain', '', '', 12, 'd', 0, X'7b2276616c7565223a2232227d', X'7b227461696e746564223a747275657d', '', NULL, 2083016942);
INSERT INTO output VALUES ('o', 1, 1, X'22737472696e6722', NULL, X'0155ea442c2c6eef018008985c224fbdad34c2f59587bb9591c991b3e0b3261f040ca459e512d7fc2b854c0409997292fd0bd3e4');
INSERT INTO run VALUES (1, 0, 'edit', 'adopt', 'ann', 'h', 1795445457922110838, 1795445457922110838, 'succeeded', '', NULL);
INSERT INTO run VALUES (2, 0, 'apply', 'up', 'ann', 'h', 1795442923000000005, 0, 'running', '', X'0155ea442c2c6eef01931d9ad2e9d31f30ff970d1ab342a91409766c8dd419087aac6ff50be5661e8b536f2de8637d28ff89e33afe');
INSERT INTO journal VALUES (2, 1, X'e6f4d1ebed01337a1dba730f49c9c914', X'0155ea442c2c6eef015b06cd32d4551dd9d08f9b1b8e8cad1df88d5a2afc947ad3f9b9b1e42c69346413a35615061c899b24c0b81770c8e29cfdaa81f8db2df59e61058857e8813d598fe683639a2c93d90356ece6ce170973e6945db0c7248c80af6cb0c29fc9b1fb8de67c55');
INSERT INTO journal VALUES (2, 2, X'6d02d18c9bfc54e51fbf4e67a7d8f43d', X'0155ea442c2c6eef0184c1568c0cb50dd74630c96b7ca1316eedb44b44623a177a8ffa113c3f83738853db9c8e6118fa40b245ea69e5670c');
INSERT INTO journal VALUES (2, 3, X'21226c770d06d6c561f17d6391c7c727', X'0155ea442c2c6eef01e5a7f3b134eb65c9e409f2de210609648a1d524164b165d7e7a4239663697ba1e0a487ff453b11c55af2dfe1a685d2082865639fbaee');
INSERT INTO preimage VALUES (1, 1, 'module.m["k"]', 'resource', 'a', 'secret', '[0]', '', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO preimage VALUES (2, 1, '', 'resource', 'a', 'plain', '', '', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO preimage VALUES (3, 2, '', 'resource', 'a', 'plain', '', '', 1, 'd', 0, X'7b2276616c7565223a2231227d', X'7b227461696e746564223a747275657d', '', NULL, 1798756057);
INSERT INTO preimage_output VALUES (1, 'o', NULL, NULL, NULL, NULL, NULL);
PRAGMA application_id=1953854580;
PRAGMA user_version=1;
