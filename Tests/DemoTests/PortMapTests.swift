import Testing

@testable import Demo
@testable import Wire

@Suite struct PortMapTests {
    @Test("A port that is taken is replaced wherever it is written, and nothing else is")
    func replaced() throws {
        let holder = try Server(at: .ipv4(0x7F00_0001, port: 0)) { _ in Response(body: "") }
        let taken = holder.address.port
        let text = """
            bind: 127.0.1.1
            defaultEndpoint: 127.0.0.1:\(taken)
            port: {number: \(taken), name: http}
            url: http://productcatalog.workshop.svc.cluster.local:\(taken)/products/
            weight: \(taken)
            """
        let map = PortMap(for: [text])
        let result = map.applied(to: text)
        #expect(!map.isEmpty)
        #expect(result.contains("weight: \(taken)"))
        #expect(!result.contains(":\(taken)"))
        #expect(!result.contains("number: \(taken)"))
        #expect(result.contains("bind: 127.0.1.1\n"))
    }

    @Test("Free ports stay as they are")
    func unchanged() throws {
        let holder = try Server(at: .ipv4(0x7F00_0001, port: 0)) { _ in Response(body: "") }
        #expect(PortMap(for: ["port: 80, weight: \(holder.address.port)"]).isEmpty)
    }
}
