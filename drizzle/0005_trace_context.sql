ALTER TABLE `events` ADD `trace_context` text;--> statement-breakpoint
ALTER TABLE `jobs` ADD `trace_context` text;