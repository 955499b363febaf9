import Testing

@testable import TLS

@Suite struct PlainBytesTests {
    private func inspect(_ text: String) -> PlainBytes.Inspection {
        Array(text.utf8).withUnsafeBytes(PlainBytes.inspect)
    }

    @Test(
        "HTTP is told from other protocols by its first bytes",
        arguments: [
            ("", .needMore), ("G", .needMore), ("GET", .needMore), ("GET ", .needMore), ("GET /", .http1),
            ("FROBNICATE /x", .http1), ("get /", .http1), ("A-METHOD-OF-20-BYTES /", .http1),
            ("A-METHOD-OF-21-BYTES.", .other), ("A-METHOD-OF-21-BYTES. /", .other), ("GET  /", .other),
            ("GET\t/", .other), (" GET /", .other), ("GET http://a/", .http1), ("GET HTTPS://a/", .http1),
            ("GET http:/", .needMore), ("GET ftp://", .other), ("GET h", .needMore), ("GET x", .other),
            ("OPTIONS *", .needMore), ("OPTIONS * HTTP/1.1", .http1), ("OPTIONS *x", .other), ("GET * ", .other),
            ("CONNECT a:1", .http1), ("CONNECT ", .needMore), ("CONNECT  ", .other), ("CONNECT [::1]:1", .http1),
            ("\r\n\r\nGET /", .http1), ("\nGET /", .http1), ("\r", .needMore), ("\r\n", .needMore), ("\rG", .other),
            ("\r\n\r\n\r\n\r\n\r\n", .other), ("\r\n\r\n\r\n\r\nGET /", .http1),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r", .needMore), ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .http2Preface),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0", .http2Preface), ("PRI * HTTP/2.0\r\n\r\nXX", .other),
            ("P", .needMore), ("PRI", .needMore), ("PRI /", .http1), ("PUT /", .http1),
            ("SSH-2.0-OpenSSH_9.2p1", .other),
            ("\u{16}\u{3}\u{1}", .other), ("EHLO example.com\r\n", .other), ("PING\r\n", .other), ("*1\r\n", .other),
            ("\0", .other), ("GET \0", .other),
        ] as [(String, PlainBytes.Inspection)])
    func table(text: String, expected: PlainBytes.Inspection) {
        #expect(inspect(text) == expected)
    }

    @Test func `more bytes never change an answer`() {
        for text in [
            "GET /a HTTP/1.1\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nxyz", "\r\nPOST http://a/ HTTP/1.1", "SMTP x",
        ] {
            var settled: PlainBytes.Inspection?
            for count in 0...text.utf8.count {
                let answer = inspect(String(decoding: Array(text.utf8).prefix(count), as: UTF8.self))
                if let settled { #expect(answer == settled) }
                if answer != .needMore { settled = answer }
            }
            #expect(settled != nil)
        }
    }
}
