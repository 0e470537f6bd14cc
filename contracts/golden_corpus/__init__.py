"""The golden corpus: signed examples of everything that crosses a border, from which an adapter can be written in another language.

What lives here is pure: fixed seeds, ids and times, so that the same code gives the same bytes. `deploy.publish_contracts` writes the documents to
`contracts/golden/`, where `README.md` explains them. The private keys are public: never admit them to a programme. Of what runs only the conformance
kit imports it.
"""
