"""Response status codes of TS-0004 clause 6.6 as exceptions: raise one anywhere, the binding renders it."""


class CSEError(Exception):
    """A request that ends with an unsuccessful response status code.

    The message is one sentence for the client: it names the attribute or parameter and the remedy.
    """

    status_code = 5000


class BadRequest(CSEError):
    status_code = 4000


class ReleaseVersionNotSupported(CSEError):
    status_code = 4001


class NotFound(CSEError):
    status_code = 4004


class OperationNotAllowed(CSEError):
    status_code = 4005


class RequestTimeout(CSEError):
    status_code = 4008


class UnsupportedMediaType(CSEError):
    status_code = 4015


class ContentsUnacceptable(CSEError):
    status_code = 4102


class OriginatorHasNoPrivilege(CSEError):
    status_code = 4103


class GroupRequestIdentifierExists(CSEError):
    status_code = 4104


class Conflict(CSEError):
    status_code = 4105


class OriginatorNotAuthenticated(CSEError):
    status_code = 4106


class SecurityAssociationRequired(CSEError):
    status_code = 4107


class InvalidChildResourceType(CSEError):
    status_code = 4108


class NoMembers(CSEError):
    status_code = 4109


class GroupMemberTypeInconsistent(CSEError):
    status_code = 4110


class OriginatorHasAlreadyRegistered(CSEError):
    status_code = 4117


class BlockingSubscriptionAlreadyExists(CSEError):
    status_code = 4124


class OperationDeniedByRemoteEntity(CSEError):
    status_code = 4127


class InternalServerError(CSEError):
    status_code = 5000


class NotImplementedByThisCSE(CSEError):
    status_code = 5001


class TargetNotReachable(CSEError):
    status_code = 5103


class ReceiverHasNoPrivilege(CSEError):
    status_code = 5105


class RemoteEntityNotReachable(CSEError):
    status_code = 5107


class TargetNotSubscribable(CSEError):
    status_code = 5203


class SubscriptionVerificationFailed(CSEError):
    status_code = 5204


class NotAcceptable(CSEError):
    status_code = 5207


class GroupMembersNotResponded(CSEError):
    status_code = 5209


class JoinMulticastGroupFailed(CSEError):
    status_code = 5216


class LeaveMulticastGroupFailed(CSEError):
    status_code = 5217


class RequestNotCancellable(CSEError):
    status_code = 5220


class CrossResourceOperationFailure(CSEError):
    status_code = 5221


class MaxNumberOfMembersExceeded(CSEError):
    status_code = 6010


def error_with(status_code: int, sentence: str) -> CSEError:
    """The exception with a status code that another process has raised there."""
    kinds = (kind for kind in CSEError.__subclasses__() if kind.status_code == status_code)
    return next(kinds, CSEError)(sentence)


HTTP_STATUS_BY_RESPONSE_STATUS_CODE = {
    1000: 202, 1001: 202, 1002: 202,
    2000: 200, 2001: 201, 2002: 200, 2004: 200,
    4000: 400, 4001: 501, 4004: 404, 4005: 405, 4008: 504, 4015: 415,
    4101: 403, 4102: 400, 4103: 403, 4104: 409, 4105: 409, 4106: 403, 4107: 403, 4108: 403, 4109: 403, 4110: 400,
    4117: 403, 4124: 409, 4127: 403,
    5000: 500, 5001: 501, 5103: 404, 5105: 403, 5107: 404, 5203: 403, 5204: 500, 5206: 501, 5207: 406, 5209: 500,
    5216: 500, 5217: 500, 5220: 409, 5221: 500, 6010: 400,
}  # fmt: skip
