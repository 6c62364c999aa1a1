/// A certificate for localhost that signs itself, its key, and a key that is not its own. They
/// protect nothing: they exist for these tests only.
enum TestCertificate {
    static let certificate = """
        -----BEGIN CERTIFICATE-----
        MIIBnDCCAUGgAwIBAgIUPl0Jo44G1t3LS3FxCI9Lbay7ubcwCgYIKoZIzj0EAwIw
        FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMzA0NDUxOFoYDzIxMjYxMDMw
        MDQ0NTE4WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
        PQMBBwNCAARMogujFq4HbFxt5gUVEcto2jVZMhxD/urS1dFhQCwhK7yFOgk8Gi7z
        h17+DHBWRr9QQQv8hd/YbNkzGDb+PRrro28wbTAdBgNVHQ4EFgQUSFWIdvNGjeLT
        qrZFfFzqnYsEcRwwHwYDVR0jBBgwFoAUSFWIdvNGjeLTqrZFfFzqnYsEcRwwDwYD
        VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
        zj0EAwIDSQAwRgIhAKLD6WwF2S5VUN4Mty6GZEuapyDxsgAagqWQPq/wbVVJAiEA
        hkBNsRvomEfBVbJSWlob2ASleYhTNGVZoKHS+i81eOY=
        -----END CERTIFICATE-----

        """

    static let key = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQguFATWJ9sJJHvRynY
        A/sH51BbJv60OWFPliWhEuWbj8OhRANCAARMogujFq4HbFxt5gUVEcto2jVZMhxD
        /urS1dFhQCwhK7yFOgk8Gi7zh17+DHBWRr9QQQv8hd/YbNkzGDb+PRrr
        -----END PRIVATE KEY-----

        """

    static let otherKey = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQghgY8/R3E4vRsuWc9
        Ocf2h59bM4tEyDnBFxaRDoJ/ytihRANCAATzxnOMbFBjyAqWLgLhMVjQ7mruCNDA
        /ynYTIrDWQMmeQijcfOHIfMKBJmY1+knXqoPb7qlc6RTKVl4/3TBej5J
        -----END PRIVATE KEY-----

        """
}
