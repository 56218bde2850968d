"""Black-box tests of a CSE over HTTP, by the test purposes of TS-0018. They know nothing of the server under test.

    pytest conformance                                    # starts `cse serve` from the same environment
    pytest conformance --cse http://127.0.0.1:8080 --cse-id /id-in --cse-name cse-in --originator CAdmin

Every test registers its own application entities and removes what it made. Names of tests begin with the number of
their test purpose: `test_dmr_cre_003` is TP/oneM2M/CSE/DMR/CRE/003. Where the published test purposes contradict
Release 3 of TS-0004, TS-0004 decides; the test says so.

Not covered yet: remote CSEs and announcements; batches, rate limits and storage of notifications (SUB/UPD/007-008,
SUB/NTF/003); access control contexts (SEC/ACP/005-010); members on other CSEs (GMG/CRE/002, GMG/UPD/001, 009-010).
"""
