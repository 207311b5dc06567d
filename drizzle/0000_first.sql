CREATE TABLE `epochs` (
	`start_seq` integer NOT NULL,
	`epoch` text PRIMARY KEY NOT NULL,
	`started_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `events` (
	`seq` integer PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`at` integer NOT NULL,
	`note_id` text,
	`job_id` text,
	`body` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `jobs` (
	`id` text PRIMARY KEY NOT NULL,
	`type` text NOT NULL,
	`note_id` text,
	`payload` text NOT NULL,
	`status` text NOT NULL,
	`priority` integer DEFAULT 0 NOT NULL,
	`progress` real DEFAULT 0 NOT NULL,
	`message` text,
	`attempt` integer DEFAULT 0 NOT NULL,
	`max_attempts` integer NOT NULL,
	`error_code` text,
	`error` text,
	`result` text,
	`actor_kind` text NOT NULL,
	`actor_id` text,
	`fingerprint` text NOT NULL,
	`run_at` integer NOT NULL,
	`worker_id` text,
	`lease_token` text,
	`lease_expires_at` integer,
	`created_at` integer NOT NULL,
	`started_at` integer,
	`finished_at` integer,
	CONSTRAINT "jobs_lease_while_running" CHECK(("jobs"."status" = 'running') = ("jobs"."lease_expires_at" is not null)),
	CONSTRAINT "jobs_finished_has_time" CHECK(("jobs"."status" in ('completed','failed','cancelled')) = ("jobs"."finished_at" is not null)),
	CONSTRAINT "jobs_progress_percent" CHECK("jobs"."progress" between 0 and 100)
);
--> statement-breakpoint
CREATE INDEX `jobs_waiting` ON `jobs` (`priority`,`id`) WHERE status = 'queued';--> statement-breakpoint
CREATE INDEX `jobs_running` ON `jobs` (`lease_expires_at`) WHERE status = 'running';--> statement-breakpoint
CREATE INDEX `jobs_waiting_equal` ON `jobs` (`fingerprint`) WHERE status = 'queued';--> statement-breakpoint
CREATE INDEX `jobs_by_note` ON `jobs` (`note_id`,`id`);--> statement-breakpoint
CREATE INDEX `jobs_by_type` ON `jobs` (`type`,`id`);--> statement-breakpoint
CREATE INDEX `jobs_by_status` ON `jobs` (`status`,`id`);--> statement-breakpoint
CREATE TABLE `log_state` (
	`id` integer PRIMARY KEY NOT NULL,
	`pruned_seq` integer DEFAULT 0 NOT NULL,
	CONSTRAINT "log_state_single" CHECK("log_state"."id" = 1)
);
--> statement-breakpoint
CREATE TABLE `note_revisions` (
	`note_id` text NOT NULL,
	`version` integer NOT NULL,
	`based_on` integer,
	`title` text NOT NULL,
	`tags` text NOT NULL,
	`source` text NOT NULL,
	`actor_kind` text NOT NULL,
	`actor_id` text,
	`job_id` text,
	`applied` integer NOT NULL,
	`created_at` integer NOT NULL,
	`content` text NOT NULL,
	PRIMARY KEY(`note_id`, `version`),
	FOREIGN KEY (`note_id`) REFERENCES `notes`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE TABLE `note_tags` (
	`tag` text NOT NULL,
	`note_id` text NOT NULL,
	PRIMARY KEY(`tag`, `note_id`),
	FOREIGN KEY (`note_id`) REFERENCES `notes`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `note_tags_by_note` ON `note_tags` (`note_id`);--> statement-breakpoint
CREATE TABLE `notes` (
	`row_id` integer PRIMARY KEY NOT NULL,
	`id` text NOT NULL,
	`title` text NOT NULL,
	`tags` text NOT NULL,
	`version` integer NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`deleted_at` integer,
	`content` text NOT NULL,
	CONSTRAINT "notes_version_positive" CHECK("notes"."version" >= 1)
);
--> statement-breakpoint
CREATE UNIQUE INDEX `notes_id_unique` ON `notes` (`id`);--> statement-breakpoint
CREATE INDEX `notes_by_update` ON `notes` (`updated_at`,`id`) WHERE deleted_at is null;--> statement-breakpoint
CREATE TABLE `queue_state` (
	`id` integer PRIMARY KEY NOT NULL,
	`paused` integer DEFAULT false NOT NULL,
	CONSTRAINT "queue_state_single" CHECK("queue_state"."id" = 1)
);
