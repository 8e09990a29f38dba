using Tessera.Framework.Configuration;

namespace Tessera.Tests.Framework.Configuration;

public sealed class OverrideTests
{
    private const string Json =
        """{ "a": { "b": 1, "c": ["p", "q"] }, "steps": [ { "type": "Crop", "size": 4 }, { "type": "Flip" } ], "o": { "g": { "x.y": { "m": 1 } } } }""";

    [Theory]
    [InlineData("a.b=2", "a.b", "2")]
    [InlineData("a.b=1e-3", "a.b", "1e-3")]
    [InlineData("a.b=text", "a.b", "\"text\"")]
    [InlineData("a.b=\"3\"", "a.b", "\"3\"")]
    [InlineData("a.b=True", "a.b", "\"True\"")]
    [InlineData("a.b=x=y", "a.b", "\"x=y\"")]
    [InlineData("a.b=", "a.b", "\"\"")]
    [InlineData("a.b=[1, 2]", "a.b", "[1, 2]")]
    [InlineData("a={\"d\": 5}", "a", """{"b": 1, "c": ["p", "q"], "d": 5}""")] // objects merge, as everywhere
    [InlineData("a.c.0=x", "a.c", """["x", "q"]""")]
    [InlineData("steps.0.size=9", "steps.0", """{"type": "Crop", "size": 9}""")]
    [InlineData("steps.Crop.size=9", "steps.0", """{"type": "Crop", "size": 9}""")] // a step by its type
    [InlineData("o.g.\"x.y\".m=0", "o.g", """{"x.y": {"m": 0}}""")]
    [InlineData("new.deep.key=1", "new", """{"deep": {"key": 1}}""")]
    [InlineData("a.b=null", "a", """{"c": ["p", "q"]}""")]
    public void Override_Sets(string text, string path, string expected) =>
        Assert.Equal(expected, ConfigDocument.Parse(Json, overrides: [text]).Find(path)!.ToString());

    [Theory]
    [InlineData("a.b=2", "a._delete_=true")]
    [InlineData("a._delete_=true", "a.b=2")]
    [InlineData("\"a\"._delete_=true", "a.b=2")]
    [InlineData("""a={ "_delete_": true, "b": 2 }""")]
    public void Override_OfDelete_KeepsWhatTheOthersSet(params string[] texts) =>
        Assert.Equal("""{"b": 2}""", ConfigDocument.Parse(Json, overrides: texts).Find("a")!.ToString());

    [Theory]
    [InlineData(
        "a.b",
        """
            --cfg-options
              "a.b" is no override. Write KEY=VALUE, as in model.backbone.depth=18; a key that holds dots is quoted: optimizer.groups."backbone.norm".lr_mult=0.
            """
    )]
    [InlineData(
        "a..b=1",
        """
            --cfg-options
              "a..b=1" is no override. Write KEY=VALUE, as in model.backbone.depth=18; a key that holds dots is quoted: optimizer.groups."backbone.norm".lr_mult=0.
            """
    )]
    [InlineData(
        "a.b.c=1",
        """
            --cfg-options  a.b.c
              a.b is 1 (config:1); it holds no further keys.
            """
    )]
    [InlineData(
        "steps.2.size=1",
        """
            --cfg-options  steps.2.size
              steps has no item "2". It has 2 items, numbered from 0: Crop, Flip.
            """
    )]
    [InlineData(
        "steps.Crp.size=1",
        """
            --cfg-options  steps.Crp.size
              steps has no item "Crp". Did you mean "Crop"? It has 2 items, numbered from 0: Crop, Flip.
            """
    )]
    public void Override_ThatFitsNowhere_IsAnError(string text, string expected) =>
        Assert.Equal(
            expected,
            Assert.Throws<Tessera.Framework.Errors.UserErrorException>(() => ConfigDocument.Parse(Json, overrides: [text])).Message
        );
}
