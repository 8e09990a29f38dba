using Tessera.Framework.Configuration;

namespace Tessera.Tests.Framework.Configuration;

public sealed class MergeTests
{
    [Theory]
    [InlineData("""{ "a": { "x": 1, "y": 2 } }""", """{ "a": { "y": 3, "z": 4 } }""", """{"a": {"x": 1, "y": 3, "z": 4}}""")] // objects merge
    [InlineData("""{ "a": [1, 2, 3] }""", """{ "a": [4] }""", """{"a": [4]}""")] // arrays replace
    [InlineData("""{ "a": 1 }""", """{ "a": "b" }""", """{"a": "b"}""")] // scalars replace
    [InlineData("""{ "a": { "x": 1 } }""", """{ "a": 2 }""", """{"a": 2}""")] // a scalar replaces an object
    [InlineData("""{ "a": 2 }""", """{ "a": { "x": 1 } }""", """{"a": {"x": 1}}""")] // and the reverse
    [InlineData("""{ "a": 1, "b": 2 }""", """{ "a": null }""", """{"b": 2}""")] // null removes
    [InlineData("""{ "a": { "x": 1, "y": 2 } }""", """{ "a": { "x": null } }""", """{"a": {"y": 2}}""")] // also inside
    [InlineData("""{ "b": 1 }""", """{ "a": null, "c": { "d": null } }""", """{"b": 1, "c": {}}""")] // nothing to remove
    [InlineData("""{ "a": { "x": 1 } }""", """{ "a": { "_delete_": true, "y": 2 } }""", """{"a": {"y": 2}}""")] // _delete_ drops
    [InlineData("""{ "a": { "x": 1 } }""", """{ "a": { "_delete_": false, "y": 2 } }""", """{"a": {"x": 1, "y": 2}}""")]
    [InlineData("""{ }""", """{ "a": { "_delete_": true, "y": 2 } }""", """{"a": {"y": 2}}""")] // with nothing to drop
    [InlineData("""{ "a": 1 }""", """{ }""", """{"a": 1}""")] // {} changes nothing
    [InlineData("""{ "a": [{ "x": null, "y": 1 }] }""", """{ }""", """{"a": [{"y": 1}]}""")] // nulls go inside lists too
    [InlineData("""{ "a": [null, 1] }""", """{ }""", """{"a": [null, 1]}""")] // a list's own null stays
    public void Merge_ChildOverBase_FollowsTheRules(string below, string above, string expected)
    {
        using var folder = new ConfigFolder(("base.json", below), ("child.json", """{ "_base_": "base.json",""" + above[1..]));
        Assert.Equal(expected, folder.Load("child.json").Merged.ToString());
    }

    [Fact]
    public void Merge_RemovedThenSetAgain_StartsAnew()
    {
        using var folder = new ConfigFolder(
            ("a.json", """{ "hook": { "x": 1 } }"""),
            ("b.json", """{ "_base_": "a.json", "hook": null }"""),
            ("c.json", """{ "_base_": "b.json", "hook": { "y": 2 } }""")
        );
        Assert.Equal("""{"hook": {"y": 2}}""", folder.Load("c.json").Merged.ToString());
    }

    [Fact]
    public void Bases_RelativeToTheirFile_AndInOrder()
    {
        using var folder = new ConfigFolder(
            ("_base_/data/d.json", """{ "_base_": "../deep.json", "d": 1 }"""),
            ("_base_/deep.json", """{ "deep": 1, "d": 0 }"""),
            ("_base_/s.json", """{ "s": 1 }"""),
            ("x/c.json", """{ "_base_": ["../_base_/data/d.json", "../_base_/s.json"], "s": 2 }""")
        );
        Assert.Equal("""{"deep": 1, "d": 1, "s": 2}""", folder.Load("x/c.json").Merged.ToString());
    }

    [Fact]
    public void Bases_SameBaseReachedTwice_IsReadOnceAndFirst()
    {
        using var folder = new ConfigFolder(
            ("root.json", """{ "x": 1, "y": 1 }"""),
            ("left.json", """{ "_base_": "root.json", "x": 2 }"""),
            ("right.json", """{ "_base_": "root.json", "y": 3 }"""),
            ("c.json", """{ "_base_": ["left.json", "right.json", "root.json"] }""")
        );
        var document = folder.Load("c.json");
        Assert.Equal("""{"x": 2, "y": 3}""", document.Merged.ToString());
        Assert.Equal(4, document.Files.Count);
    }

    [Fact]
    public void Bases_SiblingsSetTheSameValue_IsNoConflict()
    {
        using var folder = new ConfigFolder(
            ("l.json", """{ "a": { "x": [1, 2] } }"""),
            ("r.json", """{ "a": { "x": [1, 2], "y": 1 } }"""),
            ("c.json", """{ "_base_": ["l.json", "r.json"] }""")
        );
        Assert.Equal("""{"a": {"x": [1, 2], "y": 1}}""", folder.Load("c.json").Merged.ToString());
    }

    [Fact]
    public void Schema_OfBases_IsNotInherited_NorSaved()
    {
        using var folder = new ConfigFolder(
            ("l.json", """{ "$schema": "a/schema.json", "x": 1 }"""),
            ("r.json", """{ "$schema": "schema.json", "y": 1 }"""),
            ("c.json", """{ "$schema": "../schema.json", "_base_": ["l.json", "r.json"] }""")
        );
        var document = folder.Load("c.json");
        Assert.Equal("""{"x": 1, "y": 1, "$schema": "../schema.json"}""", document.Merged.ToString());
        Assert.DoesNotContain("$schema", document.SaveText(), StringComparison.Ordinal);
    }

    private const string Pipeline =
        """{ "p": [ { "type": "Load" }, { "type": "Flip", "prob": 0.5 }, { "type": "Crop", "size": 4 }, { "type": "Flip", "prob": 0.1 } ] }""";

    [Theory]
    [InlineData("""{ "after": "Crop", "insert": { "type": "Rotate" } }""", "Load Flip:0.5 Crop:4 Rotate Flip:0.1")]
    [InlineData("""{ "before": "Load", "insert": [ { "type": "A" }, { "type": "B" } ] }""", "A B Load Flip:0.5 Crop:4 Flip:0.1")]
    [InlineData("""{ "replace": "Flip#2", "with": { "type": "Mirror" } }""", "Load Flip:0.5 Crop:4 Mirror")]
    [InlineData("""{ "change": "Flip#1", "with": { "prob": 0.9 } }""", "Load Flip:0.9 Crop:4 Flip:0.1")]
    [InlineData("""{ "remove": "Crop" }""", "Load Flip:0.5 Flip:0.1")]
    [InlineData("""{ "remove": "Flip#2" }, { "remove": "Flip" }""", "Load Crop:4")] // edits apply one after another
    [InlineData("""{ "change": "Crop", "with": { "_delete_": true, "type": "Resize" } }""", "Load Flip:0.5 Resize Flip:0.1")]
    public void Edit_ByStepType_ChangesTheInheritedList(string edits, string expected)
    {
        using var folder = new ConfigFolder(
            ("b.json", Pipeline),
            ("c.json", $$"""{ "_base_": "b.json", "p": { "_edit_": [ {{edits}} ] } }""")
        );
        var steps = ((ConfigList)folder.Load("c.json").Merged["p"]!)
            .Cast<ConfigMap>()
            .Select(step => string.Join(":", step.Select(entry => ((ConfigValue)entry.Value).Text)));
        Assert.Equal(expected, string.Join(" ", steps));
    }
}
