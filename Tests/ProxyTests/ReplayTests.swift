import Clusters
import Testing
import Wire

@testable import Proxy

@Suite("Bodies that are sent again")
struct ReplayTests {
    private static func request(_ method: String) -> String {
        "\(method) /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    }

    /// An upload of which a part has left for the endpoint.
    private static func upload(_ method: String, on bench: Bench) throws -> (FakePeer, Exchange) {
        let peer = FakePeer(bench.worker)
        peer.begin(1, request(method))
        let exchange = try #require(peer.streams[1]?.exchange)
        #expect(bench.turn { exchange.call.isActive })
        peer.data(1, Array("BEGIN".utf8) + [UInt8](repeating: 0x2D, count: 100 * 1024))
        #expect(exchange.tee?.lag(exchange.primaryReader) == 0)
        return (peer, exchange)
    }

    /// The attempt fails after its bytes left.
    private static func fail(_ exchange: Exchange, _ kind: CallFailure.Kind) {
        exchange.call.cancel()
        exchange.attemptFailed(CallFailure(kind: kind, wasReused: true, sentBytes: true))
    }

    @Test("A body that outgrows what is held while a retry waits is sent from its first byte all the same")
    func outgrownWhileWaiting() throws {
        let origin = Origin(saying: "ok")
        defer { origin.stop() }
        let bench = try Bench(ports: [origin.port])
        let (peer, exchange) = try Self.upload("PUT", on: bench)
        Self.fail(exchange, .closedBeforeHead)
        #expect(exchange.isActive)
        peer.data(1, [UInt8](repeating: 0x2E, count: Limits.replayBytesMax))
        #expect(exchange.isReplayLost)
        peer.end(1)
        #expect(bench.turn { peer.streams[1]?.isOver == true })
        #expect(peer.streams[1]?.status == 200)
        let body = try #require(origin.requests.last).body
        #expect(String(decoding: body.prefix(64), as: UTF8.self).contains("BEGIN"))
        #expect(body.count > Limits.replayBytesMax + 100 * 1024)
    }

    @Test("A refused stream is not tried again once bytes left that nobody held")
    func refusedWithoutReplay() throws {
        let origin = Origin(saying: "ok")
        defer { origin.stop() }
        let bench = try Bench(ports: [origin.port], route: Harness.route(to: 0, retry: .none))
        let (peer, exchange) = try Self.upload("POST", on: bench)
        Self.fail(exchange, .refusedStream)
        #expect(peer.streams[1]?.isOver == true)
        #expect(peer.streams[1]?.status == 503)
    }
}
