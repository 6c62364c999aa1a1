/// Certificates for localhost that sign themselves, and their keys. They protect nothing: they exist
/// for these tests only.
package enum TestCertificate {
    package static let certificate = """
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

    package static let key = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQguFATWJ9sJJHvRynY
        A/sH51BbJv60OWFPliWhEuWbj8OhRANCAARMogujFq4HbFxt5gUVEcto2jVZMhxD
        /urS1dFhQCwhK7yFOgk8Gi7zh17+DHBWRr9QQQv8hd/YbNkzGDb+PRrr
        -----END PRIVATE KEY-----

        """

    package static let otherCertificate = """
        -----BEGIN CERTIFICATE-----
        MIIBmjCCAUGgAwIBAgIULbpA66ofX5YhMhqfT8dWmR6TfJkwCgYIKoZIzj0EAwIw
        FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMzIwNDcwNloYDzIxMjYxMDMw
        MjA0NzA2WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
        PQMBBwNCAAR7KI4Ja6gvnHxyIR29P2J8zx7MYvwRIsVVACbBpYvG5EKHZ/kVY8sq
        zfRGrTKz29c6YnWeTMsGTvu9jmcVkGDLo28wbTAdBgNVHQ4EFgQUPz5Yx07baSdi
        ZJaTUQWuqFMMZlAwHwYDVR0jBBgwFoAUPz5Yx07baSdiZJaTUQWuqFMMZlAwDwYD
        VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
        zj0EAwIDRwAwRAIgCbiWw8vIiebi4TVaGXfa5EONvx6Du81YMjsbdFvkfCoCIB5n
        Kl8vFhuYL5pypOwY8o8BSZl8N25CMeFLyY1JCK9Y
        -----END CERTIFICATE-----

        """

    package static let otherKey = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgeHNFWcC6EABCCcVf
        6AxCixVqri4BOhIXaZUpAObQbwOhRANCAAR7KI4Ja6gvnHxyIR29P2J8zx7MYvwR
        IsVVACbBpYvG5EKHZ/kVY8sqzfRGrTKz29c6YnWeTMsGTvu9jmcVkGDL
        -----END PRIVATE KEY-----

        """
}
