/// The interface's description, OpenAPI 3.1; a test compares it with the routes.
package enum OpenAPIDocument {
    package static var bytes: [UInt8] { PackageResources.openapi_json }
}
