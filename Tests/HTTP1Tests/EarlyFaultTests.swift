import Testing
import Wire

@testable import HTTP1

@Suite("Faults in heads that are not whole")
struct EarlyFaultTests {
    private func parse(_ text: String) -> HeadResult {
        Array(text.utf8).withUnsafeBytes { RequestHead.parse($0, into: Head()) }
    }

    @Test(
        "A fault in a line that is whole is refused before the head ends",
        arguments: [
            "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n",
            "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000000000000000\r\n",
            "GET / HTTP/1.1\r\nHost : a\r\nX", "GET / HTTP/1.1\r\n Host: foo", "GET / HTTP/1!", "GET / HTTX",
        ])
    func refused(_ text: String) {
        guard case .failure = parse(text) else {
            Issue.record("\(text) is waited for")
            return
        }
    }

    @Test("Every beginning of a good head is waited for")
    func waited() {
        let text = "POST /a?b HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\nX-Empty:\r\n\r\n"
        for length in 0..<text.utf8.count {
            #expect(parse(String(decoding: text.utf8.prefix(length), as: UTF8.self)) == .partial, "\(length) bytes")
        }
    }
}
