import HTTP2
import Wire

// HTTP/2: a client's session and a server's, which send each other their frames.
extension Case {
    static var streams: [() -> Case] { [{ exchange() }] }

    private static func exchange() -> Case {
        let pair = Pair()
        return Case("a request and its answer between two HTTP/2 sessions", iterations: 500) { times in
            for _ in 0..<times { pair.exchange() }
            sink &+= pair.answers
        }
    }

    private final class Pair {
        let pools = HTTP2Pools(buffers: BufferPool())
        let client: HTTP2Session
        let server: HTTP2Session
        let wire = Buffer(capacity: 65_536)
        let request = Samples.head(Samples.small)
        let answer = Head()
        var spare = Head()
        let body = Samples.bytes(String(repeating: "x", count: 69))
        var answers = 0

        init() {
            client = HTTP2Session(role: .client, settings: HTTP2Settings(), pools: pools, now: 0)
            server = HTTP2Session(role: .server, settings: HTTP2Settings(), pools: pools, now: 0)
            request.removeAll(.host)
            answer.status = 200
            answer.appendField(.contentType, value: answer.append("text/plain"))
            answer.appendField(.contentLength, value: answer.append("69"))
            send(client, to: server)
            send(server, to: client)
            drain(client)
            drain(server)
        }

        func exchange() {
            guard client.submitRequest(request, end: true) != nil else { fatalError("the client takes no request") }
            send(client, to: server)
            while let event = server.next() {
                guard case .head(let stream, _, _) = event else { continue }
                server.swapHead(&spare)
                server.submitResponse(stream, answer, end: false)
                guard server.submitData(stream, body, end: true) else { fatalError("the server's window is full") }
            }
            send(server, to: client)
            drain(client)
            drain(server)
        }

        private func send(_ from: HTTP2Session, to other: HTTP2Session) {
            while from.write(to: wire) {}
            // No time passes here: what is too much a second must not add up.
            other.now &+= 1_000_000_000
            if let fault = other.receive(wire.readable, now: other.now) { fatalError("\(fault)") }
            wire.consume(wire.count)
        }

        private func drain(_ session: HTTP2Session) {
            while let event = session.next() {
                switch event {
                case .head: session.swapHead(&spare)
                case .data(let stream, let bytes, _):
                    session.consumed(stream, bytes.count)
                    answers += 1
                default: break
                }
            }
        }
    }
}
