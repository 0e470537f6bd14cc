"""Partners without an adapter: asked by e-mail, answering on a page behind a one-time link.

`links` seals what a link says, `asking` records the question, `mail` and `mails_at_work` send it, `answering` records the answer, `page` and `server`
show the page. Imported by the command line; imports the process room and what lies below it. No personal data leaves by this way.
"""
