import Foundation
import Wire

/// The three programs of the product-catalog application: a page, a list of products, their details. Small on purpose: what is
/// interesting happens between them.
package enum SampleService: Sendable {
    /// Renders a page from what `baseURL` answers.
    case frontend(baseURL: String)
    /// The list of products, with details from `detailsURL`.
    case productcatalog(detailsURL: String)
    /// Details, in version 1 or 2.
    case catalogdetail(version: Int)

    /// Fields that a service hands on to the service it calls, so that a trace and a kind of user span the whole walk.
    private static let handedOn: Set<String> = [
        "x-request-id", "user-type", "traceparent", "tracestate", "b3", "x-b3-traceid", "x-b3-spanid",
        "x-b3-parentspanid",
        "x-b3-sampled", "x-b3-flags",
    ]

    /// Answers one request; calls go through `client`.
    package func answer(_ request: Request, _ client: Client) -> Response {
        guard request.method == "GET" || request.method == "HEAD" else {
            return .failure(405, "Only GET and HEAD are served here.")
        }
        if request.path == "/ping" || request.path == "/products/ping" {
            return Response(contentType: "text/plain", body: "pong\n")
        }
        if request.path == "/headers" {
            let lines = request.fields.map { "\($0.name): \($0.value)\n" }
            return Response(contentType: "text/plain", body: lines.joined())
        }
        switch self {
        case .frontend(let baseURL): return Self.page(request, baseURL, client)
        case .productcatalog(let detailsURL): return Self.products(request, detailsURL, client)
        case .catalogdetail(let version): return Self.details(request, version)
        }
    }

    // MARK: - catalogdetail

    private static func details(_ request: Request, _ version: Int) -> Response {
        guard request.path == "/catalogDetail" else { return .failure(404, "catalogdetail has only /catalogDetail.") }
        let vendors = version >= 2 ? #"["ABC.com","XYZ.com"]"# : #"["ABC.com"]"#
        return Response(body: #"{"version":"\#(version)","vendors":\#(vendors)}"# + "\n")
    }

    // MARK: - productcatalog

    private static func products(_ request: Request, _ detailsURL: String, _ client: Client) -> Response {
        guard request.path == "/products" || request.path == "/products/" else {
            return .failure(404, "productcatalog has only /products/.")
        }
        let details = call(prefixed(detailsURL, by: version(in: request)), for: request, client, named: "catalogdetail")
        guard details.status == 200 else { return details }
        return Response(body: #"{"products":{},"details":\#(trimmed(details.text))}"# + "\n")
    }

    /// `?version=v2` asks for the details at `/v2/catalogDetail`, which a route by path tells apart.
    private static func version(in request: Request) -> String? {
        for parameter in request.query.split(separator: "&") where parameter.hasPrefix("version=") {
            let value = parameter.dropFirst(8)
            if isVersion(value) { return String(value) }
        }
        return nil
    }

    private static func isVersion(_ text: some StringProtocol) -> Bool {
        text.count >= 2 && text.count <= 4 && text.first == "v"
            && text.dropFirst().allSatisfy { ("0"..."9").contains($0) }
    }

    private static func prefixed(_ url: String, by version: String?) -> String {
        guard let version, let parts = try? HTTPURL(url) else { return url }
        return "http://\(parts.authority)/\(version)\(parts.path)"
    }

    // MARK: - frontend

    private struct Catalog: Decodable {
        struct Details: Decodable {
            var version: String
            var vendors: [String]
        }
        var details: Details
    }

    private static func page(_ request: Request, _ baseURL: String, _ client: Client) -> Response {
        let first = request.path.dropFirst().prefix { $0 != "/" }
        guard request.path == "/" || isVersion(first) else {
            return .failure(404, "frontend has only /, and /v1/ and /v2/ for a route by path.")
        }
        let url = isVersion(first) ? baseURL + (baseURL.contains("?") ? "&" : "?") + "version=\(first)" : baseURL
        let catalog = call(url, for: request, client, named: "productcatalog")
        guard catalog.status == 200 else { return catalog }
        guard let decoded = try? JSONDecoder().decode(Catalog.self, from: Data(catalog.body)) else {
            return .failure(502, "productcatalog answered something that is no catalogue.")
        }
        return Response(contentType: "text/html; charset=utf-8", body: html(decoded.details))
    }

    private static func html(_ details: Catalog.Details) -> String {
        let vendors = details.vendors.map { "<li>\(escaped($0))</li>" }.joined()
        return """
            <!doctype html>
            <html lang="en">
            <head><meta charset="utf-8"><title>Product catalogue</title></head>
            <body>
            <h1>Product catalogue</h1>
            <p>Vendors, from version \(escaped(details.version)) of catalogdetail:</p>
            <ul>\(vendors)</ul>
            </body>
            </html>

            """
    }

    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for character in text {
            switch character {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            default: escaped.append(character)
            }
        }
        return escaped
    }

    // MARK: - Calls

    /// Calls the next service. Whatever goes wrong becomes a 502 with a sentence.
    private static func call(_ url: String, for request: Request, _ client: Client, named name: String) -> Response {
        let fields = request.fields.filter { handedOn.contains($0.name) }
        do {
            let response = try client.send("GET", url, fields: fields)
            if response.status == 200 { return response }
            return .failure(502, "\(name) answered \(response.status): \(sentence(of: response))")
        } catch {
            return .failure(502, "\(name) could not be asked. \(error)")
        }
    }

    /// What a failed call said: the sentence of one of our own services, or the text of whoever else answered.
    private static func sentence(of response: Response) -> String {
        if let own = try? JSONDecoder().decode([String: String].self, from: Data(response.body)),
            let error = own["error"]
        {
            return error
        }
        return String(trimmed(response.text).prefix(200))
    }

    private static func trimmed(_ text: String) -> String {
        text.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
