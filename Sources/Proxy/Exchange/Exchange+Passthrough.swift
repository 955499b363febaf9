import HTTP1
import Loop
import Telemetry
import Wire

// Requests to where their Host says (`outboundTrafficPolicy: ALLOW_ANY` on a proxy port).
extension Exchange {
    /// Connects to the address that the Host names, looking the name up first if it is one.
    func attemptPassthrough() {
        let bytes = requestHead.bytes(requestHead.authority)
        let port = Authority.port(bytes) ?? UInt16(truncatingIfNeeded: worker.servicePort(listener) ?? 80)
        let name = String(
            decoding: UnsafeRawBufferPointer(rebasing: bytes[..<Authority.hostLength(bytes)]), as: UTF8.self)
        if let address = SocketAddress(host: name, port: port) { return connect(address) }
        passthroughTicket &+= 1
        let ticket = passthroughTicket
        let waiting = SendableReference(self)
        let loop = worker.loop
        worker.shared.resolver.resolve(name, on: loop) { answer in
            let exchange = waiting.value
            // The exchange may have ended, or be another request's, by the time the answer comes.
            guard exchange.isActive, exchange.passthroughTicket == ticket else { return }
            switch answer {
            case .success(let addresses):
                guard let first = addresses.first else {
                    return exchange.attemptFailed(CallFailure(kind: .resolveFailure))
                }
                exchange.connect(first.with(port: port))
            case .failure:
                exchange.attemptFailed(CallFailure(kind: .resolveFailure))
            }
            exchange.worker.flush()
        }
    }

    private func connect(_ address: SocketAddress) {
        let failure = call.start(
            address: address, head: requestHead, framing: requestFraming, end: endsWithHead,
            isRaw: isConnect)
        if let failure { attemptFailed(failure) }
    }
}

/// Carries a reference of one worker through a completion that runs on the same worker's thread.
struct SendableReference<Object: AnyObject>: @unchecked Sendable {
    let value: Object
    init(_ value: Object) { self.value = value }
}
