CREATE VIRTUAL TABLE `notes_search` USING fts5(
	title, content, tags,
	content='notes', content_rowid='row_id',
	tokenize='unicode61 remove_diacritics 2', prefix='2 3'
);
--> statement-breakpoint
CREATE TRIGGER `notes_search_insert` AFTER INSERT ON `notes` BEGIN
	INSERT INTO notes_search(rowid, title, content, tags) VALUES (new.row_id, new.title, new.content, new.tags);
END;
--> statement-breakpoint
CREATE TRIGGER `notes_search_delete` AFTER DELETE ON `notes` BEGIN
	INSERT INTO notes_search(notes_search, rowid, title, content, tags) VALUES ('delete', old.row_id, old.title, old.content, old.tags);
END;
--> statement-breakpoint
CREATE TRIGGER `notes_search_update` AFTER UPDATE OF title, content, tags ON `notes` BEGIN
	INSERT INTO notes_search(notes_search, rowid, title, content, tags) VALUES ('delete', old.row_id, old.title, old.content, old.tags);
	INSERT INTO notes_search(rowid, title, content, tags) VALUES (new.row_id, new.title, new.content, new.tags);
END;
--> statement-breakpoint
INSERT INTO `log_state` (id, pruned_seq) VALUES (1, 0);
--> statement-breakpoint
INSERT INTO `queue_state` (id, paused) VALUES (1, 0);
