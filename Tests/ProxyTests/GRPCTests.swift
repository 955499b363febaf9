import Testing
import Wire

@testable import Proxy

@Suite struct GRPCTests {
    private func head(_ type: String, timeout: String? = nil) -> Head {
        let head = Head()
        head.appendField(.contentType, value: head.append(type))
        if let timeout { head.appendField(.grpcTimeout, value: head.append(timeout)) }
        return head
    }

    @Test(arguments: ["application/grpc", "application/grpc+proto", "Application/GRPC", "application/grpc;charset=x"])
    func `calls are known by their content-type`(type: String) { #expect(GRPC.isCall(head(type))) }

    @Test(arguments: ["application/grpc-web", "application/grpcx", "application/json", "application/gr"])
    func `other types are none`(type: String) { #expect(!GRPC.isCall(head(type))) }

    @Test func `a deadline is read in every unit, and refused where it is none`() {
        let units: [(String, UInt64?)] = [
            ("1H", 3_600_000), ("2M", 120_000), ("5S", 5000), ("100m", 100), ("1500u", 2), ("1n", 1), ("0S", 0),
            ("", nil), ("S", nil), ("1", nil), ("-1S", nil), ("123456789S", nil), ("1s", nil),
        ]
        for (text, expected) in units { #expect(GRPC.timeout(head("application/grpc", timeout: text)) == expected) }
    }

    @Test func `an answer of the proxy's own becomes one that a gRPC client reads`() {
        let head = Head()
        LocalReply.fill(head, status: 503, bodyBytes: 4)
        let text = Array("a%\u{e9}".utf8)
        text.withUnsafeBytes { GRPC.turn(head, body: $0, isDeadline: false) }
        #expect(head.status == 200)
        #expect(head.value(of: .grpcStatus).map(head.string) == "14")
        #expect(head.value(of: .grpcMessage).map(head.string) == "a%25%C3%A9")
        #expect(head.value(of: .contentType).map(head.string) == "application/grpc")
        #expect(!head.has(.contentLength))
    }

    @Test(arguments: [(400, 13), (401, 16), (403, 7), (404, 12), (429, 14), (502, 14), (503, 14), (504, 14), (500, 2)])
    func `statuses are mapped as Envoy maps them`(http: UInt16, grpc: UInt64) {
        #expect(GRPC.status(http: http) == grpc)
    }
}
