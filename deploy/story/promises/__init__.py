"""The promises of the design, each judged by what the processes of the story stored: one file a promise. Imported by `deploy.story.checks`."""
