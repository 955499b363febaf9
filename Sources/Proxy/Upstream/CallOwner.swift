import HTTP1
import Loop
import Wire

/// Who made an upstream call and hears of it: an exchange, a mirror copy, or anything else that needs an answer. The deadline of
/// the handler is the owner's own.
package class CallOwner: WorkerMember {
    /// The head is on its way: the body may follow.
    func callReady(_ call: UpstreamCall) {}
    /// A 1xx answer.
    func callInformational(_ call: UpstreamCall, _ head: Head) {}
    /// The answer's head. `head` is valid during the call only.
    func callHead(_ call: UpstreamCall, _ head: Head, framing: BodyFraming, end: Bool) {}
    /// A part of the answer's body. False: pause until `UpstreamCall.resumeAnswer`.
    func callData(_ call: UpstreamCall, _ bytes: UnsafeRawBufferPointer) -> Bool { true }
    /// In a tunnel: the endpoint sends no more, and still takes bytes.
    func callHalfEnd(_ call: UpstreamCall) {}
    /// The answer is complete.
    func callEnd(_ call: UpstreamCall, trailers: Head?) {}
    /// The attempt ended without a complete answer. The call is idle again and may be started anew.
    func callFailed(_ call: UpstreamCall, _ failure: CallFailure) {}
    /// The endpoint takes bytes again after `UpstreamCall.send` had said to pause.
    func callWritable(_ call: UpstreamCall) {}
}
