import Foundation
import Testing

@Suite("Programs that others wrote")
struct PeerScenarios {
    @Test(
        "curl gets a page, posts a body and reads an answer in chunks",
        .enabled(if: ChildProcess.path(of: "curl") != nil))
    func curl() throws {
        let echo = try TestOrigin { .answer(status: 200, body: $0.message.text.isEmpty ? "v1" : $0.message.text) }
        let shop = try Shop(routes: Manifest.split(100, 0), v1: echo)
        let url = "http://127.0.0.1:\(shop.port)/"
        let page = try #require(try ChildProcess.run("curl", ["-sS", "-i", url]))
        #expect(page.status == 0 && page.text.hasPrefix("HTTP/1.1 200") && page.text.hasSuffix("v1"), "\(page)")
        let body = String(repeating: "x", count: 5000)
        let post = try #require(try ChildProcess.run("curl", ["-sS", "-d", body, url]))
        #expect(post.text == body)
        let chunked = ["-sS", "-H", "Transfer-Encoding: chunked", "-d", body, url]
        #expect(try ChildProcess.run("curl", chunked)?.text == body)
        #expect(try ChildProcess.run("curl", ["-sS", "-0", url])?.text == "v1")
        #expect(try ChildProcess.run("curl", ["-sS", "-I", url])?.text.hasPrefix("HTTP/1.1 200") == true)
    }

    @Test(
        "siege finds the site available all the time, while the split moves",
        .enabled(if: ChildProcess.path(of: "siege") != nil))
    func siege() throws {
        let shop = try Shop(routes: Manifest.split(90, 10))
        let home = shop.proxy.folder
        try "verbose = false\njson_output = false\nlogging = false\nconnection = keep-alive\n"
            .write(toFile: "\(home)/siegerc", atomically: true, encoding: .utf8)
        let program = try #require(ChildProcess.path(of: "siege"))
        let siege = try ChildProcess(
            program, ["-R", "\(home)/siegerc", "-c", "5", "-t", "4S", "-b", "http://127.0.0.1:\(shop.port)/"],
            output: "\(home)/siege.txt", errors: "\(home)/siege.txt")
        try waitUntil("siege is at work") { shop.v1.count > 50 }
        try shop.proxy.apply("routes.yaml", Manifest.split(0, 100))
        try waitUntil("siege ends") { siege.exitStatus != nil }
        let text = try String(contentsOfFile: "\(home)/siege.txt", encoding: .utf8)
        #expect(text.contains(#/Availability:\s+100\.00 %/#), "\(text)")
        #expect(text.contains(#/Failed transactions:\s+0\s/#), "\(text)")
        #expect(shop.v2.count > 0)
    }

    @Test("nginx serves behind the proxy", .enabled(if: ChildProcess.path(of: "nginx") != nil))
    func nginx() throws {
        let port = try TestSocket.freePort()
        let folder = try ScenarioProxy.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: "\(folder)/html", withIntermediateDirectories: true)
        try "from nginx".write(toFile: "\(folder)/html/index.html", atomically: true, encoding: .utf8)
        let large = String(repeating: "0123456789", count: 300_000)
        try large.write(toFile: "\(folder)/html/large", atomically: true, encoding: .utf8)
        try """
        daemon off; master_process off; pid \(folder)/pid; error_log \(folder)/error.log;
        events {}
        http { access_log off; client_body_temp_path \(folder)/b; proxy_temp_path \(folder)/p; fastcgi_temp_path \(folder)/f;
          uwsgi_temp_path \(folder)/u; scgi_temp_path \(folder)/s; keepalive_requests 20; gzip off;
          server { listen 127.0.0.1:\(port); root \(folder)/html; } }
        """.write(toFile: "\(folder)/nginx.conf", atomically: true, encoding: .utf8)
        let server = try ChildProcess(
            try #require(ChildProcess.path(of: "nginx")), ["-c", "\(folder)/nginx.conf", "-p", folder],
            output: "\(folder)/out", errors: "\(folder)/out")
        try behind(port, page: "/", saying: "from nginx", large: ("/large", large))
        server.signal(SIGKILL)
    }

    @Test("python's http.server serves behind the proxy", .enabled(if: ChildProcess.path(of: "python3") != nil))
    func python() throws {
        let port = try TestSocket.freePort()
        let folder = try ScenarioProxy.makeFolder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try "from python".write(toFile: "\(folder)/page.txt", atomically: true, encoding: .utf8)
        let large = String(repeating: "0123456789", count: 300_000)
        try large.write(toFile: "\(folder)/large", atomically: true, encoding: .utf8)
        let server = try ChildProcess(
            try #require(ChildProcess.path(of: "python3")),
            ["-m", "http.server", "\(port)", "--bind", "127.0.0.1", "--directory", folder],
            output: "\(folder)/out", errors: "\(folder)/out")
        try behind(port, page: "/page.txt", saying: "from python", large: ("/large", large))
        server.signal(SIGKILL)
    }

    /// Asks a server on this port through the proxy, many times and for something large.
    private func behind(_ port: UInt16, page: String, saying text: String, large: (path: String, text: String)) throws {
        try waitUntil("the server listens") { (try? RawClient(port: port)) != nil }
        let shop = try Shop(
            routes: Manifest.routes("- route:\n  - destination: {host: site}"),
            more: Manifest.service("site", [("v1", port)]))
        let tally = try Crowd(port: shop.port, requests: 200, request: Crowd.get(page)).finish()
        #expect(tally.losses == 0 && tally.bodies[text] == 200, "\(tally)")
        let client = try shop.client()
        #expect(try client.get(large.path).text == large.text)
        #expect(try client.get("/missing").status == 404)
        #expect(try client.get(page, method: "HEAD").status == 200)
        #expect(try client.get(page).text == text)
    }
}
