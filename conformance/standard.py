"""Numbers and names of the standard: resource types, operations, events, response status codes."""

ACP, AE, CNT, CIN, CSEBASE, GRP = 1, 2, 3, 4, 5, 9
MGMTOBJ, NOD, PCH, CSR, REQ, SCH, SUB = 13, 14, 15, 16, 17, 18, 23
FCNT, TS, TSI = 28, 29, 30

# Management objects and flexContainers have the root of their specialisation.
ROOTS = {
    ACP: "m2m:acp",
    AE: "m2m:ae",
    CNT: "m2m:cnt",
    CIN: "m2m:cin",
    CSEBASE: "m2m:cb",
    GRP: "m2m:grp",
    NOD: "m2m:nod",
    PCH: "m2m:pch",
    CSR: "m2m:csr",
    REQ: "m2m:req",
    SCH: "m2m:sch",
    SUB: "m2m:sub",
    TS: "m2m:ts",
    TSI: "m2m:tsi",
}

# accessControlOperations
CREATE, RETRIEVE, UPDATE, DELETE, NOTIFY, DISCOVERY, ALL = 1, 2, 4, 8, 16, 32, 63

# notificationEventType
UPDATED, DELETED, CHILD_CREATED, CHILD_DELETED, RETRIEVED_EMPTY = 1, 2, 3, 4, 5
BLOCKING_UPDATE, MISSING_DATA = 7, 8

# responseType, requestStatus
SYNCHRONOUS, ASYNCHRONOUS, BLOCKING, FLEXIBLE = 1, 2, 3, 4
COMPLETED, FAILED = 1, 2

# TS-0009 clause 6.3.2
HTTP_STATUS = {
    **dict.fromkeys((2000, 2002, 2004), 200),
    2001: 201,
    **dict.fromkeys((1000, 1001, 1002), 202),
    **dict.fromkeys((4000, 4102, 4110, 6010), 400),
    **dict.fromkeys((4101, 4103, 4106, 4107, 4108, 4109, 4117, 4126, 4127, 5105, 5203, 5205), 403),
    **dict.fromkeys((4004, 5103, 5107), 404),
    4005: 405,
    5207: 406,
    **dict.fromkeys((4104, 4105, 4124, 5220), 409),
    4015: 415,
    **dict.fromkeys((5000, 5204, 5209), 500),
    **dict.fromkeys((4001, 4125, 5001, 5206), 501),
    4008: 504,
}
