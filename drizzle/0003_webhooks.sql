CREATE TABLE `deliveries` (
	`row_id` integer PRIMARY KEY NOT NULL,
	`id` text NOT NULL,
	`webhook_id` text NOT NULL,
	`seq` integer NOT NULL,
	`event_id` text NOT NULL,
	`event` text NOT NULL,
	`status` text NOT NULL,
	`attempts` integer DEFAULT 0 NOT NULL,
	`round_attempts` integer DEFAULT 0 NOT NULL,
	`is_lenient` integer NOT NULL,
	`next_attempt_at` integer,
	`last_status` integer,
	`last_error_code` text,
	`created_at` integer NOT NULL,
	`finished_at` integer,
	CONSTRAINT "deliveries_finished_has_time" CHECK(("deliveries"."status" = 'pending') = ("deliveries"."finished_at" is null)),
	CONSTRAINT "deliveries_next_while_pending" CHECK("deliveries"."next_attempt_at" is null or "deliveries"."status" = 'pending')
);
--> statement-breakpoint
CREATE UNIQUE INDEX `deliveries_id_unique` ON `deliveries` (`id`);--> statement-breakpoint
CREATE INDEX `deliveries_by_webhook` ON `deliveries` (`webhook_id`,`row_id`);--> statement-breakpoint
CREATE INDEX `deliveries_pending` ON `deliveries` (`webhook_id`,`row_id`) WHERE status = 'pending';--> statement-breakpoint
CREATE INDEX `deliveries_exhausted` ON `deliveries` (`webhook_id`,`row_id`) WHERE status = 'exhausted';--> statement-breakpoint
CREATE TABLE `delivery_attempts` (
	`delivery` integer NOT NULL,
	`number` integer NOT NULL,
	`at` integer NOT NULL,
	`status` integer,
	`error_code` text,
	`error` text,
	`durations` text NOT NULL,
	`request_headers` text NOT NULL,
	`response_headers` text,
	`response_body` text,
	PRIMARY KEY(`delivery`, `number`),
	FOREIGN KEY (`delivery`) REFERENCES `deliveries`(`row_id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE TABLE `webhook_replays` (
	`id` integer PRIMARY KEY NOT NULL,
	`webhook_id` text NOT NULL,
	`cursor_seq` integer NOT NULL,
	`until_seq` integer NOT NULL,
	FOREIGN KEY (`webhook_id`) REFERENCES `webhooks`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `webhook_replays_by_webhook` ON `webhook_replays` (`webhook_id`,`id`);--> statement-breakpoint
CREATE TABLE `webhook_secrets` (
	`webhook_id` text NOT NULL,
	`position` integer NOT NULL,
	`secret` text NOT NULL,
	`expires_at` integer,
	PRIMARY KEY(`webhook_id`, `position`),
	FOREIGN KEY (`webhook_id`) REFERENCES `webhooks`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE TABLE `webhooks` (
	`id` text PRIMARY KEY NOT NULL,
	`url` text NOT NULL,
	`description` text NOT NULL,
	`events` text NOT NULL,
	`topics` text NOT NULL,
	`headers` text NOT NULL,
	`format` text NOT NULL,
	`ordered` integer NOT NULL,
	`max_concurrency` integer NOT NULL,
	`rate_limit_per_second` integer,
	`status` text NOT NULL,
	`reason` text,
	`status_at` integer NOT NULL,
	`cursor_seq` integer NOT NULL,
	`failed_delivery_id` text,
	`probes` integer DEFAULT 0 NOT NULL,
	`probe_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	CONSTRAINT "webhooks_reason_unless_active" CHECK(("webhooks"."status" = 'active') = ("webhooks"."reason" is null)),
	CONSTRAINT "webhooks_probe_while_failed" CHECK(("webhooks"."status" = 'failed') = ("webhooks"."probe_at" is not null))
);
