"""Black-box tests of a CSE over HTTP, by the test purposes of TS-0018. They know nothing of the server under test.

    pytest conformance                                    # starts `cse serve` from the same environment
    pytest conformance --cse http://127.0.0.1:8080 --cse-id /id-in --cse-name cse-in --originator CAdmin
    pytest conformance --purposes                         # lists the tests with their purposes

Every test registers its own application entities and removes what it made. It is marked with the identifiers of its
test purposes; purposes.toml has those of TS-0018, and why some of them have no test. Where the published test suite
contradicts Release 3 of TS-0004, TS-0004 decides; where TS-0004 leaves a choice, all choices pass.
"""
