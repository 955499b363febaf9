import HTTP2
import Testing
import Wire

@Suite struct AbuseTests {
    /// Sends the pieces one by one, output taken after each, until the session ends; how many it took.
    private func attack(_ server: Peer, _ pieces: Int, _ piece: (Int) -> [UInt8]) -> (HTTP2Fault?, Int) {
        server.receive(Frames.opening)
        for index in 0..<pieces {
            server.receive(piece(index))
            let frames = Frames.parse(server.output())
            if let fault = server.session.fault {
                let rest = frames + Frames.parse(server.output())
                let code = Frames.number(fault.code.rawValue)
                #expect(rest.contains { $0.type == 7 && Array($0.payload.dropFirst(4).prefix(4)) == code })
                return (fault, index)
            }
        }
        return (nil, pieces)
    }

    private func stream(_ index: Int) -> UInt32 { UInt32(index * 2 + 1) }

    @Test func `streams opened and cancelled at once end the session`() {
        let (fault, taken) = attack(Peer(.server), 2000) { Frames.headers(stream($0)) + Frames.reset(stream($0)) }
        #expect(fault == .rapidReset && taken == Limits.http2ResetsBurstMax)
    }

    @Test func `a client that cancels every other of its requests is fine`() {
        let server = Peer(.server)
        server.receive(Frames.opening)
        for index in 0..<4000 {
            server.receive(Frames.headers(stream(index)))
            if index % 2 == 0 {
                server.receive(Frames.reset(stream(index)))
            } else {
                server.session.submitResponse(stream(index), response(200), end: true)
            }
            _ = server.output()
        }
        #expect(server.session.fault == nil && server.session.activeStreams == 0)
    }

    @Test func `an outage with a thousand time-outs is no attack`() {
        let server = Peer(.server)
        server.receive(Frames.opening)
        for index in 0..<1000 { server.receive(Frames.headers(stream(index))) }
        server.now += 2000
        for index in 0..<1000 { server.receive(Frames.reset(stream(index))) }
        _ = server.output()
        #expect(server.session.fault == nil && server.session.activeStreams == 0)
    }

    @Test func `making us reset streams ends the session`() {
        let ways: [(UInt32) -> [UInt8]] = [
            { Frames.headers($0) + Frames.windowUpdate($0, 0x7FFF_FFFF) },
            { Frames.headers($0, [(":method", "GET"), ("x", "y")]) },
            { Frames.headers($0, Frames.getFields + [("x", "a\nb")]) },
        ]
        for way in ways {
            let (fault, taken) = attack(Peer(.server), 2000) { way(stream($0)) }
            #expect(fault == .provokedResets && taken <= Limits.http2ProvokedResetsBurstMax)
        }
    }

    @Test func `a header block of many frames or bytes ends the session`() {
        let start = Frames.frame(1, stream: 1, Frames.block(Frames.getFields))
        let (fault, _) = attack(Peer(.server), 20) {
            $0 == 0 ? start : Frames.frame(9, stream: 1, [0, 1, 0x78, 1, 0x79])
        }
        #expect(fault == .continuationFlood)
        let piece = Frames.field("x", String(repeating: "y", count: 16_000))
        let (second, _) = attack(Peer(.server), 20) { $0 == 0 ? start : Frames.frame(9, stream: 1, piece + []) }
        #expect(second == .continuationFlood || second == .headerBlockTooLarge)
        let server = Peer(.server)
        server.receive(Frames.opening + start)
        for _ in 0..<7 { server.receive(Frames.frame(9, stream: 1, [0, 1, 0x78, 1, 0x79])) }
        server.receive(Frames.frame(9, flags: 4, stream: 1, [0, 1, 0x78, 1, 0x79]))
        #expect(server.session.fault == nil && server.heads[1]?.fieldCount == 8)
    }

    @Test func `a small block that unfolds to a large head is refused without storing it`() {
        // One entry of 3,000 bytes in the table, then named 5,000 times by one byte each.
        var block = Frames.block(Frames.getFields)
        block += [0x40, 1, 0x78, 127, 0xB9, 0x16] + [UInt8](repeating: 0x79, count: 3000)
        block += [UInt8](repeating: 0xBE, count: 5000)
        let server = Peer(.server)
        #expect(server.receive(Frames.opening + Frames.frame(1, flags: 5, stream: 1, block)) == nil)
        #expect(server.log.last == "large 1")
    }

    /// Frames that cost us more than the peer, what they are refused as, and how many pass.
    static let floods: [(name: String, frame: [UInt8], fault: HTTP2Fault, burst: Int)] = [
        ("SETTINGS", Frames.frame(4), .settingsFlood, Limits.http2SettingsBurstMax - 1),
        ("PING", Frames.frame(6, [UInt8](repeating: 0, count: 8)), .pingFlood, Limits.http2PingsBurstMax),
        ("WINDOW_UPDATE", Frames.windowUpdate(0, 1), .windowUpdateFlood, Limits.http2WindowUpdatesBurstMax),
        (
            "PRIORITY", Frames.frame(2, stream: 3, [0, 0, 0, 0, 1]), .priorityFlood,
            Limits.http2PrioritiesBurstMax
        ),
        ("unknown", Frames.frame(0xFA, stream: 3, [1]), .unknownFrameFlood, Limits.http2UnknownFramesBurstMax),
    ]

    @Test("a flood of frames ends the session, a burst does not", arguments: floods.indices)
    func flood(_ index: Int) {
        let (_, frame, expected, burst) = Self.floods[index]
        let (fault, taken) = attack(Peer(.server), burst * 3) { _ in frame }
        #expect(fault == expected && taken == burst)
        let patient = Peer(.server)
        patient.receive(Frames.opening)
        for _ in 0..<(burst * 3) {
            patient.receive(frame)
            _ = patient.output()
            patient.now += 110
        }
        #expect(patient.session.fault == nil)
    }

    @Test func `floods of empty and of tiny DATA end the session`() {
        let open = Frames.headers(1, end: false)
        let (empty, taken) = attack(Peer(.server), 1000) { ($0 == 0 ? open : []) + Frames.data(1, []) }
        #expect(empty == .emptyFrameFlood && taken == Limits.http2EmptyFramesBurstMax)
        let padded = Frames.frame(0, flags: 8, stream: 1, [3, 0, 0, 0])
        let (hidden, _) = attack(Peer(.server), 1000) { ($0 == 0 ? open : []) + padded }
        #expect(hidden == .emptyFrameFlood)
        let (tiny, count) = attack(Peer(.server), 20_000) { ($0 == 0 ? open : []) + Frames.data(1, [1]) }
        #expect(tiny == .tinyDataFlood && count == Limits.http2TinyDataBurstMax)
    }

    @Test func `many small gRPC messages, each with a ping and credit, are fine`() {
        let server = Peer(.server)
        server.receive(Frames.opening + Frames.headers(1, end: false))
        server.session.submitResponse(1, response(200), end: false)
        for _ in 0..<20_000 {
            server.receive(Frames.data(1, [0, 0, 0, 0, 0]) + Frames.frame(6, [UInt8](repeating: 0, count: 8)))
            _ = server.session.send(1, [0, 0, 0, 0, 0])
            server.receive(Frames.windowUpdate(1, 5) + Frames.windowUpdate(0, 5))
            _ = server.output()
        }
        #expect(server.session.fault == nil && server.bodies[1]?.count == 100_000)
    }

    @Test func `a peer that pings and never reads is cut at a backlog`() {
        let server = Peer(.server)
        server.receive(Frames.opening)
        let ping = Frames.frame(6, [UInt8](repeating: 0, count: 8))
        var count = 0
        while server.session.fault == nil, count < 10_000 {
            server.receive(ping)
            server.now += 10
            count += 1
        }
        #expect(server.session.fault == .acknowledgementBacklog && count <= Limits.http2AcknowledgementsMax + 1)
    }

    @Test func `what breaks the protocol ends the session with nghttp2's verdict`() {
        let preface = Peer(.server)
        #expect(preface.receive(Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)) == .badPreface)
        let window = Peer(.server)
        window.receive(Frames.opening + Frames.windowUpdate(0, 0x7FFF_FFFF) + Frames.windowUpdate(0, 0x7FFF_FFFF))
        #expect(Frames.parse(window.output()).contains { $0.type == 7 })
        #expect(window.session.fault == .protocolViolation)
        let even = Peer(.server)
        even.receive(Frames.opening + Frames.headers(2))
        _ = even.output()
        #expect(even.session.fault == .protocolViolation)
    }

    @Test func `streams above the announced number are refused before it is acknowledged`() {
        let server = Peer(.server, HTTP2Settings(concurrentStreamsMax: 2))
        server.receive(Frames.opening + Frames.headers(1) + Frames.headers(3) + Frames.headers(5))
        let frames = Frames.parse(server.output())
        #expect(frames.contains { $0.type == 3 && $0.stream == 5 && $0.payload == Frames.number(7) })
        #expect(server.session.activeStreams == 2 && server.session.fault == nil)
    }

    @Test func `every fault has a label of its own`() {
        let labels = Set(HTTP2Fault.allCases.map { "\($0.label)" })
        #expect(labels.count == HTTP2Fault.allCases.count)
    }

    @Test func `a budget takes its burst, refills by its rate and never beyond`() {
        var budget = RateBudget(burst: 3, perSecond: 2)
        let times: [UInt64] = [0, 0, 0, 0, 499, 999, 999]
        #expect(times.map { budget.spend(now: $0) } == [true, true, true, false, false, true, false])
        budget.earn(100)
        let later: [UInt64] = [999, 999, 999, 500, .max]
        #expect(later.map { budget.spend(now: $0) } == [true, true, true, false, true])
    }

    @Test func `frame headers are found in any pieces`() {
        let bytes =
            Frames.opening + Frames.headers(1) + Frames.frame(0, flags: 8, stream: 0x7FFF_FFFF, [2, 9, 0, 0])
            + Frames.data(3, []) + Frames.frame(0, flags: 8, stream: 1, [])
        func scan(_ step: Int) -> [FrameHeader] {
            var scanner = FrameScanner(preface: 24)
            var found: [FrameHeader] = []
            for start in stride(from: 0, to: bytes.count, by: step) {
                Array(bytes[start..<min(start + step, bytes.count)]).withUnsafeBytes {
                    var offset = 0
                    while let header = scanner.next($0, &offset) { found.append(header) }
                }
            }
            return found
        }
        let whole = scan(bytes.count)
        #expect(whole.map(\.type) == [4, 1, 0, 0, 0] && whole.map(\.stream) == [0, 1, 0x7FFF_FFFF, 3, 1])
        #expect(whole[2].length == 1 && whole[3].length == 0)
        for step in 1..<20 { #expect(scan(step) == whole) }
    }
}
