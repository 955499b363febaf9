import Routing
import Testing
import Wire

@testable import Proxy

@Suite("The law of retries, line by line")
struct RetryDecisionTests {
    private func decision(
        _ conditions: RetryPolicy.Conditions = [.connectFailure], explicit: Bool = false, left: Int = 2,
        method: Wire.Method = .get, replayable: Bool = true, usedFree: Bool = false
    ) -> RetryDecision {
        RetryDecision(
            conditions: conditions, isExplicit: explicit, attemptsLeft: left, method: method, isReplayable: replayable,
            usedFreeRetry: usedFree)
    }

    private func failure(_ kind: CallFailure.Kind, reused: Bool = false, sent: Bool = true) -> CallFailure {
        CallFailure(kind: kind, wasReused: reused, sentBytes: sent)
    }

    @Test("Nothing is sent again of which a byte is not held any more, whatever the policy says")
    func notReplayable() {
        let all = RetryPolicy.Conditions(rawValue: .max)
        for kind in [CallFailure.Kind.connectFailure, .closedBeforeHead, .perTryTimeout, .protocolError] {
            #expect(decision(all, explicit: true, replayable: false).after(failure(kind, reused: true)) == .no)
        }
        #expect(decision(all, explicit: true, replayable: false).after(answerThatMatches: true) == .no)
    }

    @Test("A failed connect is retried for every method that the policy covers: no byte left")
    func connects() {
        for method in [Wire.Method.get, .post] {
            #expect(decision(method: method).after(failure(.connectFailure, sent: false)) == .retry)
            #expect(decision(method: method).after(failure(.connectTimeout, sent: false)) == .retry)
            #expect(decision([], method: method).after(failure(.connectFailure, sent: false)) == .no)
            #expect(decision(left: 0, method: method).after(failure(.connectFailure, sent: false)) == .no)
        }
    }

    @Test("A reused connection that ended is free once, for idempotent methods or when no byte left")
    func reused() {
        let ended = failure(.closedBeforeHead, reused: true)
        #expect(decision([], left: 0).after(ended) == .retryReusedConnection)
        #expect(decision([], left: 0, usedFree: true).after(ended) == .no)
        #expect(decision([], left: 0, method: .post).after(ended) == .no)
        #expect(
            decision([], left: 0, method: .post).after(failure(.closedBeforeHead, reused: true, sent: false))
                == .retryReusedConnection)
        #expect(decision([], left: 0).after(failure(.closedBeforeHead)) == .no)
    }

    @Test("After bytes left, an unsafe method is sent again only where the route names its own conditions")
    func unsafeMethods() {
        for kind in [CallFailure.Kind.closedBeforeHead, .protocolError, .perTryTimeout, .writeStalled] {
            #expect(decision([.reset], method: .post).after(failure(kind)) == .no)
            #expect(decision([.reset], explicit: true, method: .post).after(failure(kind)) == .retry)
            #expect(decision([.reset]).after(failure(kind)) == .retry)
            #expect(decision([.connectFailure], explicit: true).after(failure(kind)) == .no)
        }
        #expect(decision(method: .post).after(answerThatMatches: true) == .no)
        #expect(decision(explicit: true, method: .post).after(answerThatMatches: true) == .retry)
        #expect(decision().after(answerThatMatches: true) == .retry)
        #expect(decision().after(answerThatMatches: false) == .no)
        #expect(decision(left: 0).after(answerThatMatches: true) == .no)
    }

    @Test("What another attempt cannot better is not tried again")
    func hopeless() {
        let all = RetryPolicy.Conditions(rawValue: .max)
        for kind in [
            CallFailure.Kind.overflow, .noHealthyUpstream, .loop, .resolveFailure, .closedMidAnswer, .headTooLarge,
        ] {
            #expect(decision(all, explicit: true).after(failure(kind, sent: false)) == .no)
        }
    }
}
