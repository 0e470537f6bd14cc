"""FHIR R4 in the words of the SDOH Clinical Care guide: resources to drafts, and a client's entries to a Bundle.

`systems` and `elements` are what both ways share; `read_*` makes facts of resources, `write_*` resources of entries, all pure; `resource_files` and
`fhir_import` read files and give drafts to the desk. The command line imports it; it imports drafts, contracts and the connectors' report.
"""
