using Tessera.Framework.Configuration;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Framework.Configuration;

public sealed class ProvenanceTests
{
    private static ConfigFolder Folder() =>
        new(
            (
                "_base_/sgd.json",
                "{\n  \"optimizer\": {\n    \"lr\": 0.1,\n    \"momentum\": 0.9 },\n  \"hooks\": { \"ema\": { \"decay\": 0.9 } },\n  "
                    + "\"list\": [1] }"
            ),
            ("mid.json", "{ \"_base_\": \"_base_/sgd.json\",\n  \"optimizer\": { \"lr\": 0.05 },\n  \"hooks\": { \"ema\": null } }"),
            ("c.json", "{ \"_base_\": \"mid.json\",\n\n  \"optimizer\": { \"lr\": 0.01 },\n  \"path\": \"${data_root}/x\" }")
        );

    [Theory]
    [InlineData(
        "optimizer.lr",
        """
            optimizer.lr = 0.01
              set by c.json:3
              replaced 0.05, set by mid.json:2 (a base of c.json)
              replaced 0.1, set by _base_/sgd.json:3 (a base of c.json)
            """
    )]
    [InlineData(
        "optimizer.momentum",
        """
            optimizer.momentum = 0.9
              set by _base_/sgd.json:4 (a base of c.json)
            """
    )]
    [InlineData(
        "optimizer",
        """
            optimizer = {"lr": 0.01, "momentum": 0.9}
              set by c.json:3
              over {"lr": 0.05, "momentum": 0.9}, set by mid.json:2 (a base of c.json)
              over {"lr": 0.1, "momentum": 0.9}, set by _base_/sgd.json:2 (a base of c.json)
            """
    )]
    [InlineData(
        "hooks.ema",
        """
            hooks.ema is not set
              removed by mid.json:3 (a base of c.json)
              replaced {"decay": 0.9}, set by _base_/sgd.json:5 (a base of c.json)
            """
    )]
    [InlineData(
        "path",
        """
            path = "/far/x"
              written "${data_root}/x"
              set by c.json:4
            """
    )]
    [InlineData(
        "data_root",
        """
            data_root = "/far"
              set by TESSERA_DATA_ROOT
            """
    )]
    public void Explain(string key, string expected)
    {
        using var folder = Folder();
        folder.Variables["TESSERA_DATA_ROOT"] = "/far";
        Assert.Equal(expected, folder.Clean(folder.Load("c.json").Explain(key)));
    }

    [Fact]
    public void Explain_Override_NamesTheCommandLine()
    {
        using var folder = Folder();
        Assert.Equal(
            """
            list.0 = 5
              set by --cfg-options
              replaced 1, set by _base_/sgd.json:6 (a base of c.json)
            """,
            folder.Clean(folder.Load("c.json", "list.0=5").Explain("list.0"))
        );
    }

    [Theory]
    [InlineData("optimizer.lrr", "The config has no key optimizer.lrr: optimizer has no \"lrr\". Did you mean \"lr\"?")]
    [InlineData("optimiser.lr", "The config has no key optimiser.lr: at its top there is no \"optimiser\". Did you mean \"optimizer\"?")]
    [InlineData("a..b", "\"a..b\" is no key. Write it with dots, as in model.backbone.depth; a key that holds dots is quoted.")]
    public void Explain_UnknownKey_NamesTheNearest(string key, string expected)
    {
        using var folder = Folder();
        Assert.Equal(expected, Assert.Throws<UserErrorException>(() => folder.Load("c.json").Explain(key)).Message);
    }
}
