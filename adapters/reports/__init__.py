"""What a unit hands to a client about the client: the report on everything it holds, the portable copy, and who looked.

`collecting` reads what this unit may see, `third_persons` blacks out, `composing` makes the documents of `contracts.personal_report`, `flow` is
draft, review and giving with all that is reported of them, `sheet` and `printed` make the PDF. Imports followers (copies are listed), process and
what lies under it; imported by cli and api.
"""
