import Control
import Loop

/// The entry point of `outrider run`: a proxy process with its admin.
package enum Serve {
    /// Serves until a signal ends the process.
    ///
    /// - Returns: the exit status: 0 after a drain, 1 when it could not start.
    package static func run(_ options: ServeOptions) -> Int32 {
        var server: AdminServer?
        let status = ProxyProcess.run(options) { process, address in
            let routes = AdminRoutes(process)
            let admin = try AdminServer(address: address, loop: process.loop) { routes.respond($0) }
            server = admin
            return "admin listens on \(admin.address)"
        }
        server?.close()
        return status
    }
}
