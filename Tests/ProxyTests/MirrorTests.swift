import Clusters
import Glibc
import Routing
import Testing

@Suite("Mirrors over real sockets")
struct MirrorTests {
    private func wait(_ condition: () -> Bool) -> Bool {
        Harness.wait(condition)
    }

    @Test("A copy carries the body and is marked; its answer is thrown away")
    func copies() throws {
        let origin = Origin(saying: "primary")
        let shadow = Origin(saying: "shadow")
        defer {
            origin.stop()
            shadow.stop()
        }
        let proxy = try Harness(
            clusters: [Harness.cluster("a", ports: [origin.port]), Harness.cluster("b", ports: [shadow.port])],
            routes: [Harness.route(to: 0, mirrors: [Mirror(cluster: .index(1), partsPerMillion: 1_000_000)])])
        let client = proxy.client()
        for size in [0, 10, 200_000] {
            let body = [UInt8](repeating: 120, count: size)
            client.send("POST /\(size) HTTP/1.1\r\nHost: shop\r\nContent-Length: \(size)\r\n\r\n")
            #expect(client.send(body))
            #expect(client.answer()?.text == "primary")
        }
        #expect(wait { shadow.requests.count == 3 })
        #expect(shadow.requests.map(\.body.count).sorted() == [0, 10, 200_000])
        let copy = try #require(shadow.requests.first)
        #expect(copy.field("x-envoy-internal") == "true")
        #expect(copy.field("host") == "shop")
        #expect(copy.field("x-forwarded-for") == "127.0.0.1,127.0.0.1")
    }

    @Test("A mirror that refuses, hangs or reads nothing changes nothing for the primary")
    func brokenMirrors() throws {
        let origin = Origin(saying: "primary")
        let hanging = Origin { _ in .hang }
        let (silent, silentPort) = TestSocket.listen()
        defer {
            origin.stop()
            hanging.stop()
            close(silent)
        }
        for port in [TestSocket.freePort(), hanging.port, silentPort] {
            let proxy = try Harness(
                clusters: [Harness.cluster("a", ports: [origin.port]), Harness.cluster("b", ports: [port])],
                routes: [Harness.route(to: 0, mirrors: [Mirror(cluster: .index(1), partsPerMillion: 1_000_000)])])
            let client = proxy.client()
            let body = [UInt8](repeating: 120, count: 3_000_000)
            for _ in 0..<3 {
                client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.count)\r\n\r\n")
                #expect(client.send(body))
                #expect(client.answer()?.text == "primary")
            }
        }
    }
}
