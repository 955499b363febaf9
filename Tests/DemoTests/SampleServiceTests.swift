import Foundation
import Testing
import Wire

@testable import Demo

@Suite struct SampleServiceTests {
    /// Serves on a free port of the loopback for the rest of the test run.
    private func serve(_ service: SampleService) throws -> String {
        let client = try Client(waitSeconds: 5)
        let server = try Server(at: .ipv4(0x7F00_0001, port: 0)) { service.answer($0, client) }
        Thread.detachNewThread { server.run() }
        return "http://\(server.address)"
    }

    @Test("The page shows the vendors of the version that answered")
    func chain() throws {
        let details = try serve(.catalogdetail(version: 2))
        let products = try serve(.productcatalog(detailsURL: "\(details)/catalogDetail"))
        let page = try serve(.frontend(baseURL: "\(products)/products/"))
        let client = try Client(waitSeconds: 5)

        #expect(
            try client.send("GET", "\(details)/catalogDetail").text
                == #"{"version":"2","vendors":["ABC.com","XYZ.com"]}"# + "\n")
        #expect(
            try client.send("GET", "\(products)/products/").text
                == #"{"products":{},"details":{"version":"2","vendors":["ABC.com","XYZ.com"]}}"# + "\n")
        let answer = try client.send("GET", "\(page)/")
        #expect(answer.status == 200)
        #expect(answer.text.contains("XYZ.com"))
        for base in [details, products, page] { #expect(try client.send("GET", "\(base)/ping").status == 200) }
    }

    @Test("Version 1 has one vendor")
    func versionOne() throws {
        let details = try serve(.catalogdetail(version: 1))
        let answer = try Client(waitSeconds: 5).send("GET", "\(details)/catalogDetail")
        #expect(answer.text == #"{"version":"1","vendors":["ABC.com"]}"# + "\n")
    }

    @Test("A service that cannot be reached is a 502 that says so through the whole chain")
    func unreachable() throws {
        let products = try serve(.productcatalog(detailsURL: "http://127.0.0.1:1/catalogDetail"))
        let page = try serve(.frontend(baseURL: "\(products)/products/"))
        let answer = try Client(waitSeconds: 5).send("GET", "\(page)/")
        #expect(answer.status == 502)
        #expect(answer.text.contains("catalogdetail could not be asked"))
    }

    @Test("A broken request is answered with 400")
    func broken() throws {
        let details = try serve(.catalogdetail(version: 1))
        let client = try Client(waitSeconds: 5)
        #expect(try client.send("GET", "\(details)/ping", fields: [("host", "twice")]).status == 400)
    }

    @Test("What a sidecar counts as the destination is summed up, and nothing else")
    func metrics() {
        let text = """
            # TYPE istio_requests_total counter
            istio_requests_total{reporter="destination",response_code="200"} 40
            istio_requests_total{reporter="destination",response_code="503"} 2
            istio_requests_total{reporter="source",response_code="200"} 7
            istio_request_bytes_count{reporter="destination"} 9

            """
        #expect(Observation.received(text) == 42)
    }
}
