import HTTP1
import Testing

@Suite struct HeadFaultTests {
    /// Field lines behind `Host: a`, and the rule they break.
    static let fields: [(String, HeadFault)] = [
        ("X: a\nY: b\r\n", .bareLineFeed),
        ("X:\n", .bareLineFeed),
        ("X\n: b\r\n", .bareLineFeed),
        ("X: a\rY: b\r\n", .bareCarriageReturn),
        ("X\r: b\r\n", .bareCarriageReturn),
        ("X: a\r\n b\r\n", .foldedLine),
        ("X: a\r\n\tb\r\n", .foldedLine),
        ("X : a\r\n", .whitespaceBeforeColon),
        ("X\t: a\r\n", .whitespaceBeforeColon),
        ("X Y: a\r\n", .badFieldName),
        (": a\r\n", .emptyFieldName),
        ("X\r\n", .missingColon),
        ("X@: a\r\n", .badFieldName),
        ("X\u{0}: a\r\n", .badFieldName),
        ("\u{E9}: a\r\n", .badFieldName),
        ("X: a\u{0}b\r\n", .badFieldValue),
        ("X: a\u{1B}b\r\n", .badFieldValue),
        ("X: a\u{7F}b\r\n", .badFieldValue),
        ("Content-Length: +5\r\n", .badContentLength),
        ("Content-Length: -5\r\n", .badContentLength),
        ("Content-Length: 5, 5\r\n", .badContentLength),
        ("Content-Length: 5 5\r\n", .badContentLength),
        ("Content-Length: 0x5\r\n", .badContentLength),
        ("Content-Length: 5_0\r\n", .badContentLength),
        ("Content-Length:\r\n", .badContentLength),
        ("Content-Length: 9223372036854775808\r\n", .badContentLength),
        ("Content-Length: 18446744073709551621\r\n", .badContentLength),
        ("Content-Length: 5\r\nContent-Length: 5\r\n", .repeatedContentLength),
        ("Content-Length: 5\r\ncontent-length: 6\r\n", .repeatedContentLength),
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", .lengthWithTransferEncoding),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", .lengthWithTransferEncoding),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", .repeatedTransferEncoding),
        ("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", .repeatedTransferEncoding),
        ("Transfer-Encoding: chunked, chunked\r\n", .unknownTransferCoding),
        ("Transfer-Encoding: gzip, chunked\r\n", .unknownTransferCoding),
        ("Transfer-Encoding: xchunked\r\n", .unknownTransferCoding),
        ("Transfer-Encoding: chunked;q=1\r\n", .unknownTransferCoding),
        ("Transfer-Encoding: identity\r\n", .unknownTransferCoding),
        ("Transfer-Encoding: \u{B}chunked\r\n", .badFieldValue),
        ("Transfer-Encoding:\r\n", .unknownTransferCoding),
        ("Host: a\r\n", .repeatedHost),
        ("Connection: x-forwarded-for\r\n", .forbiddenNomination),
        ("Connection: a, X-Forwarded-Host\r\n", .forbiddenNomination),
        ("Connection: close\r\nConnection: x-forwarded-proto\r\n", .forbiddenNomination),
        ("Connection: host\r\n", .forbiddenNomination),
        ("Connection: content-length\r\n", .forbiddenNomination),
        ("Connection: Transfer-Encoding\r\n", .forbiddenNomination),
        ("Connection: :path\r\n", .badConnection),
        ("Connection: a b\r\n", .badConnection),
        ("Connection: a,b,c,d,e,f,g,h,i,j\r\n", .tooManyNominations),
        ("Connection: a,b,c,d,e\r\nConnection: f,g,h,i,j\r\n", .tooManyNominations),
    ]

    @Test("each rule of the fields is held, and named when it is broken", arguments: fields)
    func field(lines: String, fault: HeadFault) {
        #expect(requestFields(lines).fault == fault)
        if fault != .repeatedHost {
            #expect(response("HTTP/1.1 200 OK\r\n" + lines + "\r\n").fault == fault)
        }
    }

    /// Request heads without their empty line, and the rule they break.
    static let heads: [(String, HeadFault)] = [
        (" / HTTP/1.1\r\nHost: a\r\n", .badMethod),
        ("G\u{0}T / HTTP/1.1\r\nHost: a\r\n", .badMethod),
        ("GET: / HTTP/1.1\r\nHost: a\r\n", .badMethod),
        ("GET\t/ HTTP/1.1\r\nHost: a\r\n", .badMethod),
        ("GET\r\nHost: a\r\n", .badRequestLine),
        ("GET /\r\nHost: a\r\n", .badRequestLine),
        ("GET / \r\nHost: a\r\n", .badRequestLine),
        ("GET  / HTTP/1.1\r\nHost: a\r\n", .badTarget),
        ("GET /  HTTP/1.1\r\nHost: a\r\n", .badVersion),
        ("GET /a b HTTP/1.1\r\nHost: a\r\n", .badVersion),
        ("GET / HTTP/1.1 \r\nHost: a\r\n", .badVersion),
        ("GET / HTTP/1.1\rHost: a\r\n", .bareCarriageReturn),
        ("GET / HTTP/1.1\nHost: a\r\n", .bareLineFeed),
        ("GET\n/ HTTP/1.1\r\nHost: a\r\n", .bareLineFeed),
        ("GET /a\rb HTTP/1.1\r\nHost: a\r\n", .bareCarriageReturn),
        ("GET /\u{1} HTTP/1.1\r\nHost: a\r\n", .badTarget),
        ("GET /\u{7F} HTTP/1.1\r\nHost: a\r\n", .badTarget),
        ("GET /\u{E9} HTTP/1.1\r\nHost: a\r\n", .badTarget),
        ("GET a HTTP/1.1\r\nHost: a\r\n", .badTarget),
        ("GET a:80 HTTP/1.1\r\nHost: a\r\n", .badTarget),
        ("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n", .badTarget),
        ("GET http:///x HTTP/1.1\r\nHost: a\r\n", .badAuthority),
        ("GET http://u:p@a/ HTTP/1.1\r\nHost: a\r\n", .badAuthority),
        ("GET http://a\\b/ HTTP/1.1\r\nHost: a\r\n", .badAuthority),
        ("GET / HTTP/2.0\r\nHost: a\r\n", .unsupportedVersion),
        ("GET / HTTP/1.2\r\nHost: a\r\n", .unsupportedVersion),
        ("GET / HTTP/0.9\r\nHost: a\r\n", .unsupportedVersion),
        ("GET / HTTP/11.1\r\nHost: a\r\n", .badVersion),
        ("GET / http/1.1\r\nHost: a\r\n", .badVersion),
        ("GET / HTTP/1.\r\nHost: a\r\n", .badVersion),
        ("GET / ICE/1.0\r\nHost: a\r\n", .badVersion),
        ("GET / HTTP/1.1\r\n Host: a\r\n", .foldedLine),
        ("GET / HTTP/1.1\r\n", .missingHost),
        ("GET http://b/ HTTP/1.1\r\n", .missingHost),
        ("GET / HTTP/1.1\r\nHost: a/b\r\n", .badAuthority),
        ("GET / HTTP/1.1\r\nHost: u@a\r\n", .badAuthority),
        ("GET / HTTP/1.1\r\nHost: a b\r\n", .badAuthority),
        ("GET / HTTP/1.1\r\nHost: {\r\n", .badAuthority),
        ("GET / HTTP/1.0\r\nHost: \u{FF}\r\n", .badAuthority),
        ("GET http://b/ HTTP/1.1\r\nHost: u@a\r\n", .badAuthority),
        ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n", .transferEncodingInHTTP10),
        ("POST / HTTP/1.0\r\nTransfer-Encoding: gzip\r\n", .transferEncodingInHTTP10),
    ]

    @Test("each rule of the request line and the Host is held, and named when it is broken", arguments: heads)
    func head(lines: String, fault: HeadFault) {
        #expect(request(lines + "\r\n").fault == fault)
        // A body behind the head takes the other way to the end of the head.
        #expect(request(lines + "\r\nbody").fault == fault)
    }

    /// Status lines, and the rule they break.
    static let statusLines: [(String, HeadFault)] = [
        ("HTTP/2.0 200 OK", .badVersion),
        ("ICY 200 OK", .badVersion),
        ("HTTP/1.1  200 OK", .badStatusLine),
        ("HTTP/1.1 20 OK", .badStatusLine),
        ("HTTP/1.1 2000 OK", .badStatusLine),
        ("HTTP/1.1 2x0 OK", .badStatusLine),
        ("HTTP/1.1 099 OK", .badStatusLine),
        ("HTTP/1.1 -20 OK", .badStatusLine),
        ("HTTP/1.1 200 O\u{0}K", .badStatusLine),
        ("HTTP/1.1 200 O\rK", .badStatusLine),
        ("HTTP/1.1 200\tOK", .badStatusLine),
        ("HTTP/1.1 200 OK\n", .bareLineFeed),
    ]

    @Test("each rule of the status line is held", arguments: statusLines)
    func statusLine(line: String, fault: HeadFault) {
        #expect(response(line + "\r\nServer: a\r\n\r\n").fault == fault)
    }

    @Test("faults have a label, a sentence and a status of their own")
    func descriptions() {
        let labels = HeadFault.allCases.map { "\($0.reason)" } + BodyFault.allCases.map { "\($0.reason)" }
        #expect(Set(labels).count == labels.count)
        for label in labels { #expect(label.allSatisfy { $0.isLowercase || $0.isNumber || $0 == "_" }) }
        for fault in HeadFault.allCases {
            #expect("\(fault.sentence)".hasSuffix(".") && [400, 431, 501, 505].contains(fault.status))
        }
        for fault in BodyFault.allCases {
            #expect("\(fault.sentence)".hasSuffix(".") && [400, 431].contains(fault.status))
        }
    }

    @Test("every fault is the answer to some head of this file")
    func allFaultsOccur() {
        let named = Set((Self.fields + Self.heads + Self.statusLines).map(\.1))
        let elsewhere: Set<HeadFault> = [.emptyLines, .headTooLarge, .tooManyFields]
        #expect(named.union(elsewhere) == Set(HeadFault.allCases))
    }
}
