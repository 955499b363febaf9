import HTTP1
import Wire

/// Messages as clients and servers send them.
enum Samples {
    static let small = "GET /small HTTP/1.1\r\nHost: app.example\r\nUser-Agent: wrk/4.1\r\nAccept: */*\r\n\r\n"

    /// About 1 KB: what a browser sends for a picture.
    static let browser = """
        GET /assets/images/products/2024/spring/blue-shirt-large.webp?width=640&quality=80 HTTP/1.1
        Host: shop.example
        User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36
        Accept: image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8
        Accept-Language: en-GB,en;q=0.9,de;q=0.8
        Accept-Encoding: gzip, deflate, br, zstd
        Referer: https://shop.example/catalog/shirts?color=blue&size=m&sort=price&page=2
        Cookie: session=5f2b9c1e7a4d4f0e9b3c8d7a6e5f4c3b2a1908f7e6d5c4b3a291807f6e5d4c3b; theme=dark; consent=all; cart=3
        Cache-Control: max-age=0
        Sec-Ch-Ua: "Chromium";v="126", "Google Chrome";v="126", "Not-A.Brand";v="8"
        Sec-Ch-Ua-Mobile: ?0
        Sec-Ch-Ua-Platform: "Linux"
        Sec-Fetch-Dest: image
        Sec-Fetch-Mode: no-cors
        Sec-Fetch-Site: same-origin
        If-None-Match: "33a64df551425fcc55e4d42a148795d9f25f89d4"
        Connection: keep-alive
        Priority: u=2, i


        """.replacingLineEnds()

    /// 64 fields of 100 bytes.
    static let large =
        "GET /large HTTP/1.1\r\nHost: app.example\r\n"
        + (10..<74).map { "X-Custom-Field-\($0): \(String(repeating: "value", count: 16))\r\n" }.joined() + "\r\n"

    static let answer = """
        HTTP/1.1 200 OK
        Server: nginx/1.22.1
        Date: Sat, 28 Nov 2026 07:45:00 GMT
        Content-Type: text/plain
        Content-Length: 69
        Connection: keep-alive


        """.replacingLineEnds()

    /// Bytes that are never freed.
    static func bytes(_ text: String) -> UnsafeRawBufferPointer {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: text.utf8.count, alignment: 16)
        copy.copyBytes(from: text.utf8)
        return UnsafeRawBufferPointer(copy)
    }

    static func head(_ text: String) -> Head {
        let head = Head()
        guard case .complete = RequestHead.parse(bytes(text), into: head) else { fatalError("no head: \(text)") }
        return head
    }

    /// A head that asks for a path of a host.
    static func head(host: String, path: String) -> Head {
        head("GET \(path) HTTP/1.1\r\nHost: \(host)\r\nUser-Agent: wrk/4.1\r\nAccept: */*\r\n\r\n")
    }
}

extension String {
    fileprivate func replacingLineEnds() -> String {
        split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n")
    }
}
