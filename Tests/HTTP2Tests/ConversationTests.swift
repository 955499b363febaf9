import HTTP2
import Testing
import Wire

@Suite struct ConversationTests {
    @Test func `a request without a body is answered with one`() throws {
        let (client, server) = connected()
        let stream = try #require(
            client.session.submitRequest(
                request("GET", "/x?y=1", fields: [("Accept", "*/*"), ("TE", "gzip")]), end: true))
        exchange(client, server)
        let head = try #require(server.heads[stream])
        #expect(server.events(stream) == ["head 1 end"])
        #expect(head.string(head.methodSlice) == "GET" && head.method == .get && head.isHTTP2)
        #expect(head.string(head.path) == "/x?y=1" && head.string(head.authority) == "a.example")
        #expect(fields(head) == ["accept: */*"])
        #expect(head.fields[0].id == .accept)

        server.session.submitResponse(stream, response(200, fields: [("Connection", "x"), ("x", "y")]), end: false)
        #expect(server.session.send(stream, Array("hello".utf8), end: true))
        exchange(client, server)
        let answer = try #require(client.heads[stream])
        #expect(answer.status == 200 && fields(answer) == ["x: y"])
        #expect(client.bodies[stream] == Array("hello".utf8))
        #expect(client.events(stream) == ["head 1", "data 1 5 end", "closed 1"])
        #expect(server.log.last == "closed 1")
        #expect(client.session.activeStreams == 0 && server.session.activeStreams == 0)
        #expect(server.pools.buffers.bytesOut == 0)
    }

    @Test func `informational answers, bodies both ways and trailers arrive in order`() throws {
        let (client, server) = connected()
        let stream = try #require(
            client.session.submitRequest(request("POST"), length: .exactly(3), end: false))
        #expect(client.session.send(stream, [1, 2, 3], end: true))
        exchange(client, server)
        #expect(server.lengths[stream] == 3)
        #expect(server.events(stream) == ["head 1", "data 1 3 end"])
        server.session.submitInformational(stream, response(103, fields: [("link", "a")]))
        server.session.submitResponse(stream, response(200), end: false)
        _ = server.session.send(stream, [4])
        server.session.submitEnd(stream, trailers: response(0, fields: [("grpc-status", "0"), ("Cookie", "a")]))
        exchange(client, server)
        #expect(
            client.events(stream) == [
                "informational 1 103", "head 1", "data 1 1", "trailers 1", "closed 1",
            ])
        #expect(try fields(#require(client.trailers[stream])) == ["grpc-status: 0"])
    }

    @Test func `trailers after DATA came to rest follow without an empty frame`() throws {
        let (client, server) = connected()
        let stream = try #require(client.session.submitRequest(request(), end: true))
        exchange(client, server)
        server.session.submitResponse(stream, response(200), end: false)
        _ = server.session.send(stream, [4])
        exchange(client, server)
        server.session.submitEnd(stream, trailers: response(0, fields: [("grpc-status", "0")]))
        let frames = Frames.parse(server.output())
        #expect(frames.map(\.type) == [1] && frames[0].flags & 1 == 1)
        #expect(server.session.activeStreams == 0)
    }

    @Test func `request trailers and an answer without a body`() throws {
        let (client, server) = connected()
        let stream = try #require(client.session.submitRequest(request("POST"), end: false))
        client.session.submitEnd(stream, trailers: response(0, fields: [("x", "y")]))
        exchange(client, server)
        #expect(server.events(stream) == ["head 1", "trailers 1"])
        server.session.submitResponse(stream, response(204), end: true)
        exchange(client, server)
        #expect(client.events(stream) == ["head 1 end", "closed 1"])
        #expect(client.session.activeStreams == 0 && server.session.activeStreams == 0)
    }

    @Test func `an end on its own is told`() throws {
        let (client, server) = connected()
        let stream = try #require(client.session.submitRequest(request("POST"), end: false))
        exchange(client, server)
        client.session.submitEnd(stream)
        exchange(client, server)
        #expect(server.events(stream) == ["head 1", "end 1"])
    }

    @Test func `a reset goes both ways and what waits is dropped`() throws {
        let (client, server) = connected()
        let first = try #require(client.session.submitRequest(request(), end: true))
        let second = try #require(client.session.submitRequest(request(), end: true))
        exchange(client, server)
        server.session.submitResponse(first, response(200), end: false)
        _ = server.session.send(first, [UInt8](repeating: 1, count: 400_000))
        client.session.reset(first, .cancel)
        server.session.reset(second, .refusedStream)
        exchange(client, server)
        #expect(server.events(first).suffix(2) == ["reset 1 8", "closed 1"])
        #expect(client.events(second) == ["reset 3 7", "closed 3"])
        #expect(client.session.activeStreams == 0 && server.session.activeStreams == 0)
        #expect(server.session.queuedBytes == 0 && server.pools.buffers.bytesOut == 0)
        #expect(client.session.heldBytes == 0)
        #expect(server.session.fault == nil && client.session.fault == nil)
    }

    @Test func `a large body waits for credit, pauses its owner and goes on`() throws {
        let small = HTTP2Settings(streamWindowBytes: 1000, connectionWindowBytes: 65_535)
        let (client, server) = connected(client: small)
        client.consumesAtOnce = false
        let stream = try #require(client.session.submitRequest(request(), end: true))
        exchange(client, server)
        server.session.submitResponse(stream, response(200), end: false)
        #expect(!server.session.send(stream, [UInt8](repeating: 7, count: 100_000), end: true))
        exchange(client, server)
        #expect(client.bodies[stream]?.count == 1000)
        #expect(server.session.hasStalledOutput && server.session.oldestStalled()?.stream == stream)
        var given = 0
        while let body = client.bodies[stream], body.count < 100_000, given < body.count {
            client.session.consumed(stream, body.count - given)
            given = body.count
            exchange(client, server)
        }
        #expect(client.bodies[stream]?.count == 100_000)
        #expect(server.events(stream).contains("drained 1"))
        #expect(!server.session.hasStalledOutput && client.events(stream).last == "closed 1")
    }

    @Test func `frames are written whole into buffers that hold little more than one`() throws {
        let (client, server) = connected()
        let stream = try #require(client.session.submitRequest(request(), end: true))
        exchange(client, server)
        server.session.submitResponse(stream, response(200), end: false)
        let body = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        _ = server.session.send(stream, body, end: true)
        exchange(client, server, room: Limits.http2FrameRoomBytes)
        #expect(client.bodies[stream] == body)
    }

    @Test func `a going server finishes what it took and refuses what came after`() throws {
        let (client, server) = connected()
        let first = try #require(client.session.submitRequest(request(), end: true))
        exchange(client, server)
        server.session.shutdownNotice()
        server.session.goAway()
        let late = try #require(client.session.submitRequest(request(), end: true))
        let bytes = client.output()
        client.receive(server.output())
        server.receive(bytes)
        #expect(client.log.contains("goaway 1 0"))
        #expect(client.events(late) == ["reset 3 7", "closed 3"])
        #expect(client.session.submitRequest(request(), end: true) == nil)
        #expect(server.heads[late] == nil)
        server.session.submitResponse(first, response(200), end: true)
        exchange(client, server)
        #expect(client.events(first) == ["head 1 end", "closed 1"])
        #expect(!server.session.wantsRead && !server.session.wantsWrite && server.session.fault == nil)
    }

    @Test func `more requests than the peer takes are refused here`() throws {
        let (client, server) = connected(server: HTTP2Settings(concurrentStreamsMax: 2))
        #expect(client.session.peerConcurrentStreamsMax == 2 && client.session.peerEnablesConnectProtocol)
        _ = client.session.submitRequest(request(), end: true)
        _ = client.session.submitRequest(request(), end: true)
        #expect(client.session.submitRequest(request(), end: true) == nil)
        exchange(client, server)
        #expect(server.session.activeStreams == 2)
    }

    @Test func `extended CONNECT carries its protocol and a tunnel's bytes`() throws {
        let (client, server) = connected()
        let head = request("CONNECT", "/chat")
        head.connectProtocol = head.append("websocket")
        let stream = try #require(client.session.submitRequest(head, end: false))
        exchange(client, server)
        let seen = try #require(server.heads[stream])
        #expect(seen.method == .connect && seen.string(seen.connectProtocol) == "websocket")
        #expect(seen.string(seen.path) == "/chat")
        server.session.submitResponse(stream, response(200), end: false)
        _ = server.session.send(stream, [1])
        _ = client.session.send(stream, [2])
        exchange(client, server)
        #expect(client.bodies[stream] == [1] && server.bodies[stream] == [2])
    }

    @Test func `a ping comes back`() {
        let (client, server) = connected()
        client.session.ping(0x0102_0304)
        exchange(client, server)
        #expect(client.log.last == "pong \(0x0102_0304)")
    }

    @Test func `an upgraded request is stream 1 and is answered there`() throws {
        let server = Peer(.server)
        let settings = Array("AAMAAABkAAQAAQAA".utf8)
        #expect(settings.withUnsafeBytes { server.session.upgrade(settings: $0, isHead: false) })
        #expect(server.session.peerConcurrentStreamsMax == 100 && server.session.peerStreamWindowBytes == 65_536)
        server.session.submitResponse(1, response(200), end: false)
        _ = server.session.send(1, [1], end: true)
        let frames = Frames.parse(server.output())
        #expect(frames.contains { $0.type == 1 && $0.stream == 1 })
        #expect(frames.contains { $0.type == 0 && $0.stream == 1 && $0.flags & 1 == 1 })
        #expect(server.receive(Frames.opening + Frames.headers(3)) == nil)
        #expect(server.heads[3] != nil && server.session.activeStreams == 1)
    }

    @Test(arguments: ["", "A", "AAMAAABk!", "AAMAAABkAA", "====", "AAMAAABkAAQAAQAB="])
    func `settings of an upgrade that are not base64url of whole entries are refused`(_ text: String) {
        let server = Peer(.server)
        let accepted = Array(text.utf8).withUnsafeBytes { server.session.upgrade(settings: $0, isHead: false) }
        #expect(accepted == text.isEmpty)
    }

    @Test func `all streams together are held to a bound, and credit waits`() throws {
        let wide = HTTP2Settings(streamWindowBytes: 8 << 20, connectionWindowBytes: 1 << 20)
        let (client, server) = connected(server: wide)
        server.consumesAtOnce = false
        let stream = try #require(client.session.submitRequest(request("POST"), end: false))
        _ = client.session.send(stream, [UInt8](repeating: 1, count: 7 << 20), end: true)
        exchange(client, server)
        #expect(server.session.heldBytes >= Limits.http2HeldBytesMax)
        #expect(server.session.heldBytes <= Limits.http2HeldBytesMax + 1 << 20)
        server.session.consumed(stream, server.session.heldBytes)
        exchange(client, server)
        let got = try #require(server.bodies[stream]).count
        server.session.consumed(stream, server.session.heldBytes)
        #expect(got > 6 << 20)
    }
}

@Suite struct StalledTests {
    @Test func `a stalled stream that was reset is named no more`() throws {
        let (client, server) = connected()
        let stream = try #require(client.session.submitRequest(request(), end: true))
        exchange(client, server)
        server.session.submitResponse(stream, response(200), end: false)
        _ = server.session.send(stream, [1, 2, 3])
        #expect(server.session.oldestStalled()?.stream == stream)
        server.session.reset(stream, .cancel)
        #expect(server.session.oldestStalled() == nil)
    }

    @Test func `a reset makes room for the next request at once`() throws {
        let (client, server) = connected(server: HTTP2Settings(concurrentStreamsMax: 1))
        let first = try #require(client.session.submitRequest(request(), end: true))
        exchange(client, server)
        #expect(!client.session.canSubmitRequest)
        client.session.reset(first, .cancel)
        let second = try #require(client.session.submitRequest(request(), end: true))
        exchange(client, server)
        #expect(server.heads[second] != nil)
        #expect(!client.session.canSubmitRequest)
    }
}
