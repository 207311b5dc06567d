DROP TABLE `jobs`;
--> statement-breakpoint
CREATE TABLE `jobs` (
	`id` text PRIMARY KEY NOT NULL,
	`type` text NOT NULL,
	`note_id` text,
	`payload` text NOT NULL,
	`status` text NOT NULL,
	`priority` integer NOT NULL,
	`progress` real DEFAULT 0 NOT NULL,
	`message` text,
	`attempt` integer DEFAULT 0 NOT NULL,
	`max_attempts` integer NOT NULL,
	`error_code` text,
	`error` text,
	`result` text,
	`fingerprint` text NOT NULL,
	`run_at` integer,
	`worker_id` text,
	`lease_token` text,
	`lease_expires_at` integer,
	`created_at` integer NOT NULL,
	`started_at` integer,
	`attempt_started_at` integer,
	`finished_at` integer,
	CONSTRAINT "jobs_lease_while_running" CHECK(("jobs"."status" = 'running') = ("jobs"."lease_expires_at" is not null)),
	CONSTRAINT "jobs_finished_has_time" CHECK(("jobs"."status" in ('completed','failed','cancelled')) = ("jobs"."finished_at" is not null)),
	CONSTRAINT "jobs_delay_while_queued" CHECK("jobs"."run_at" is null or "jobs"."status" = 'queued'),
	CONSTRAINT "jobs_attempt_within_limit" CHECK("jobs"."attempt" between 0 and "jobs"."max_attempts"),
	CONSTRAINT "jobs_progress_percent" CHECK("jobs"."progress" between 0 and 100)
);
--> statement-breakpoint
CREATE INDEX `jobs_ready` ON `jobs` (`type`,`priority`,`id`) WHERE status = 'queued' and run_at is null;--> statement-breakpoint
CREATE INDEX `jobs_delayed` ON `jobs` (`run_at`) WHERE status = 'queued' and run_at is not null;--> statement-breakpoint
CREATE INDEX `jobs_waiting_equal` ON `jobs` (`fingerprint`) WHERE status = 'queued';--> statement-breakpoint
CREATE INDEX `jobs_by_note` ON `jobs` (`note_id`,`id`);--> statement-breakpoint
CREATE INDEX `jobs_by_type` ON `jobs` (`type`,`id`);--> statement-breakpoint
CREATE INDEX `jobs_by_status` ON `jobs` (`status`,`id`);