import Foundation
import Glibc
import Testing

/// Clients that keep to HTTP/2's letter and ask too much, beside one that notices nothing.
@Suite("HTTP/2 abuse")
struct AbuseScenarios {
    private static let enhanceYourCalm: UInt32 = 11
    private static let end: UInt8 = 0x5  // END_HEADERS and END_STREAM

    /// Bytes for each round of an attack.
    struct Attack: Sendable, CustomTestStringConvertible {
        var reason: String
        var rounds: Int
        var bytes: @Sendable (UInt32) -> [UInt8]
        var testDescription: String { reason }
    }

    static let attacks = [
        Attack(reason: "rapid_reset", rounds: 20_000) { round in
            RawHTTP2.frame(.headers, flags: end, stream: 2 * round + 1, RawHTTP2.block(path: "/attack"))
                + RawHTTP2.frame(.reset, stream: 2 * round + 1, [0, 0, 0, 8])
        },
        Attack(reason: "continuation_flood", rounds: 200) { round in
            round == 0
                ? RawHTTP2.frame(.headers, flags: 1, stream: 1, RawHTTP2.block(path: "/attack"))
                : RawHTTP2.frame(.continuation, stream: 1, [0x00, 0x01, 0x61, 0x01, 0x62])
        },
        Attack(reason: "settings_flood", rounds: 20_000) { _ in RawHTTP2.frame(.settings) },
        Attack(reason: "ping_flood", rounds: 20_000) { _ in
            RawHTTP2.frame(.ping, [1, 2, 3, 4, 5, 6, 7, 8])
        },
        Attack(reason: "window_update_flood", rounds: 50_000) { _ in RawHTTP2.frame(.windowUpdate, [0, 0, 0, 1]) },
        Attack(reason: "empty_frame_flood", rounds: 20_000) { round in
            round == 0
                ? RawHTTP2.frame(.headers, flags: 4, stream: 1, RawHTTP2.block(path: "/attack"))
                : RawHTTP2.frame(.data, stream: 1)
        },
    ]

    @Test("a flood ends with ENHANCE_YOUR_CALM and is counted; others are served all the time", arguments: attacks)
    func flood(_ attack: Attack) throws {
        let shop = try Shop(routes: Manifest.split(100, 0))
        let crowd = Crowd(port: shop.port, clients: 2)
        try crowd.waitForAnswers(20)
        let attacker = try RawHTTP2(port: shop.port)
        let fd = attacker.fd
        // Sent by a thread of its own, as what the proxy says must be read meanwhile.
        Thread.detachNewThread {
            var batch: [UInt8] = []
            for round in 0..<UInt32(attack.rounds) {
                batch += attack.bytes(round)
                if batch.count > 8192 {
                    if !TestSocket.send(fd, batch) { return }
                    batch = []
                }
            }
            TestSocket.send(fd, batch)
        }
        let farewell = attacker.farewell()
        #expect(farewell.isClosed && farewell.goAwayCode == Self.enhanceYourCalm, "\(farewell)")
        try shop.proxy.waitForMetric("outrider_downstream_http2_faults_total", ["reason": attack.reason], 1)
        try crowd.waitForAnswers(20)
        let tally = try crowd.stop()
        #expect(tally.losses == 0, "\(tally)")
        try waitUntil("nothing of it is left under way") {
            try shop.proxy.metric("outrider_downstream_requests_active") == 0
        }
    }

    @Test("streams beyond the limit are refused, those below it stay", .enabled(if: Peer.hasHTTP2))
    func streamLimit() throws {
        let origin = try PeerOrigin()
        let shop = try Shop(
            routes: Manifest.send("'*'", to: "far"),
            more: Manifest.destination("far", portName: "http2", ports: [origin.plain]))
        let client = try RawHTTP2(port: shop.port)
        // Nobody may count on more than the SETTINGS say, which are awaited.
        usleep(300_000)
        var bytes: [UInt8] = []
        for number in 0..<UInt32(1034) {
            bytes += RawHTTP2.frame(.headers, flags: Self.end, stream: 2 * number + 1, RawHTTP2.block(path: "/hang"))
        }
        client.send(bytes)
        let farewell = client.farewell { $0.resets.count >= 10 || $0.goAwayCode != nil }
        #expect(farewell.goAwayCode == nil && farewell.resets.count == 10, "\(farewell)")
        #expect(farewell.resets.values.allSatisfy { $0 == 7 }, "REFUSED_STREAM")
        try waitUntil("the others are under way") { try shop.proxy.metric("outrider_downstream_requests_active") == 1024 }
    }
}
