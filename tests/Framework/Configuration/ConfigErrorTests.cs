using System.Text;
using Tessera.Framework.Configuration;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Framework.Configuration;

/// <summary>One snapshot for each kind of mistake in config files.</summary>
public sealed class ConfigErrorTests
{
    private static string ErrorOf(string json) =>
        Assert.Throws<UserErrorException>(() => ConfigDocument.Parse(json, environment: _ => null)).Message;

    [Theory]
    [InlineData(
        "{ \"a\": 1,\n  \"b\" 2 }",
        """
            config:2
              This isn't JSON: '2' is invalid after a property name. Expected a ':'.
            """
    )]
    [InlineData(
        "{ \"a\": [1, 2 }",
        """
            config:1
              This isn't JSON: '}' is invalid without a matching open.
            """
    )]
    [InlineData(
        "  \n",
        """
            config:1
              The file is empty; a JSON object is expected: { … }.
            """
    )]
    [InlineData(
        "[1]",
        """
            config:1
              A config is a JSON object, { … }; here is a list.
            """
    )]
    [InlineData(
        "{ \"a\": True }",
        """
            config:1
              This isn't JSON: 'T' is an invalid start of a value. In JSON: true, false, null.
            """
    )]
    [InlineData(
        "{ 'a': 1 }",
        """
            config:1
              This isn't JSON: ''' is an invalid start of a property name. Expected a '"'. In JSON, strings take double quotes.
            """
    )]
    [InlineData(
        "model = dict(\n  type='ResNet')",
        """
            config:1
              This is a Python config; Tessera's are JSON: { "type": "ResNet", "depth": 50 } instead of dict(type='ResNet', depth=50).
            """
    )]
    [InlineData(
        "{ \"a\": 1,\n \"b\": { \"c\": 1,\n\"c\": 2 } }",
        """
            config:3  b.c
              "c" is given twice in one object; first in line 2.
            """
    )]
    [InlineData(
        "{ \"_base_\": \"x.json\" }",
        """
            config:1  _base_
              Only a file can have bases.
            """
    )]
    [InlineData(
        "{ \"a\": \"${b.x}\", \"b\": { \"y\": 1 } }",
        """
            config:1  a
              ${b.x} names no key: b has no "x". Did you mean "y"?
            """
    )]
    [InlineData(
        "{ \"a\": \"${b}\",\n \"b\": \"x${c}\",\n \"c\": \"${a}\" }",
        """
            config:1  a
              The references go in a circle: ${b} -> ${c} -> ${a}.
            """
    )]
    [InlineData(
        "{ \"a\": \"${b\" }",
        """
            config:1  a
              "${b" is no reference. Write ${a.b} for a key, ${env:NAME} or ${env:NAME,default} for the environment, $${ for a plain ${.
            """
    )]
    [InlineData(
        "{ \"a\": \"x${b}\", \"b\": [1] }",
        """
            config:1  a
              ${b} is a list and can't stand inside a string; let it be the whole value.
            """
    )]
    [InlineData(
        "{ \"a\": \"${env:NOT_SET}\" }",
        """
            config:1  a
              The environment variable NOT_SET isn't set. Set it, or give a default: ${env:NOT_SET,default}.
            """
    )]
    [InlineData(
        "{ \"plugins\": \"x.dll\" }",
        """
            config:1  plugins
              Expected a list of paths; found a string: "x.dll".
            """
    )]
    public void Text(string json, string expected) => Assert.Equal(expected, ErrorOf(json));

    [Fact]
    public void NestedTooDeep_IsAnError() =>
        Assert.Contains("This isn't JSON", ErrorOf(string.Concat(Enumerable.Repeat("{\"a\":", 5000))), StringComparison.Ordinal);

    [Fact]
    public void NotUtf8_IsAnError()
    {
        using var folder = new ConfigFolder();
        File.WriteAllBytes(Path.Combine(folder.Root, "c.json"), [.. "{ \"a\": \""u8, 0xFF, 0xFE, .. "\" }"u8]);
        Assert.Equal("c.json:1\n  This text isn't UTF-8.", folder.ErrorOf("c.json"));
    }

    [Fact]
    public void ByteOrderMark_IsNoMistake()
    {
        using var folder = new ConfigFolder();
        File.WriteAllText(Path.Combine(folder.Root, "c.json"), "{ \"a\": 1 }", new UTF8Encoding(true));
        Assert.Equal("""{"a": 1}""", folder.Load("c.json").Root.ToString());
    }

    [Theory]
    [InlineData("resnet.json", "There is no file resnet.json. Did you mean \"resnet18.json\"?")]
    [InlineData("no/such.json", "There is no file no/such.json: its folder doesn't exist.")]
    [InlineData("sub", "sub is a folder; a config file is expected.")]
    public void MissingFile_NamesTheNearest(string name, string expected)
    {
        using var folder = new ConfigFolder(("resnet18.json", "{}"), ("sub/x.json", "{}"));
        Assert.Equal($"{name}\n  {expected}", folder.ErrorOf(name));
    }

    [Fact]
    public void HugeFile_IsRefused()
    {
        using var folder = new ConfigFolder(("c.json", new string(' ', (4 << 20) + 1)));
        Assert.Equal("c.json\n  c.json is larger than 4 MB; that is no config.", folder.ErrorOf("c.json"));
    }

    [Fact]
    public void MissingBase_IsNamedWhereItIsNamed()
    {
        using var folder = new ConfigFolder(
            ("_base_/sgd.json", "{}"),
            ("c.json", "{\n  \"_base_\": [\n    \"_base_/sdg.json\",\n    3 ] }")
        );
        Assert.Equal(
            """
            c.json:3  _base_
              There is no file _base_/sdg.json. Did you mean "sgd.json"?

            c.json:4  _base_
              A base is the path of a config file, relative to this one; here is 3.
            """,
            folder.ErrorOf("c.json")
        );
    }

    [Fact]
    public void CyclicBases_ShowTheChain()
    {
        using var folder = new ConfigFolder(
            ("a.json", """{ "_base_": "b.json" }"""),
            ("b.json", "{\n\"_base_\": \"c.json\" }"),
            ("c.json", """{ "_base_": "b.json" }""")
        );
        Assert.Equal(
            "c.json:1  _base_   (a base of a.json)\n  The bases go in a circle: b.json -> c.json -> b.json.",
            folder.ErrorOf("a.json")
        );
    }

    [Fact]
    public void SelfAsBase_ShowsTheChain()
    {
        using var folder = new ConfigFolder(("a.json", """{ "_base_": "./a.json" }"""));
        Assert.Equal("a.json:1  _base_\n  The bases go in a circle: a.json -> a.json.", folder.ErrorOf("a.json"));
    }

    [Fact]
    public void SiblingConflict_NamesBothLines()
    {
        using var folder = new ConfigFolder(
            ("l.json", "{ \"o\": {\n \"lr\": 1 } }"),
            ("r.json", "{ \"o\": {\n\n \"lr\": 2 } }"),
            ("c.json", """{ "_base_": ["l.json", "r.json"] }""")
        );
        Assert.Equal(
            """
            r.json:3  o.lr   (a base of c.json)
              Two bases set o.lr to different values:
                l.json:2  1
                r.json:3  2
              Let one of them name the other as its base, or take the key out of one.
            """,
            folder.ErrorOf("c.json")
        );
    }

    [Theory]
    [InlineData("""{ "a": { "x": 1 } }""", """{ "a": null }""")]
    [InlineData("""{ "a": { "x": 1 } }""", """{ "a": { "_delete_": true } }""")]
    [InlineData("""{ "a": { "x": 1 } }""", """{ "a": 3 }""")]
    [InlineData("""{ "a": [1] }""", """{ "a": [1, 2] }""")]
    public void SiblingConflict_OfAnyForm_IsFound(string left, string right)
    {
        using var folder = new ConfigFolder(("l.json", left), ("r.json", right), ("c.json", """{ "_base_": ["l.json", "r.json"] }"""));
        Assert.Contains("Two bases set a", folder.ErrorOf("c.json"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(
        """{ "p": { "_edit_": [ { "remove": "Flop" } ] } }""",
        """
            c.json:1  p._edit_.0.remove
              No inherited step is named "Flop". Did you mean "Flip"?
              The inherited steps are Load, Flip, Flip.
            """
    )]
    [InlineData(
        """{ "p": { "_edit_": [ { "remove": "Flip" } ] } }""",
        """
            c.json:1  p._edit_.0.remove
              Flip occurs 2 times; name one: Flip#1, Flip#2.
              The inherited steps are Load, Flip, Flip.
            """
    )]
    [InlineData(
        """{ "p": { "_edit_": [ { "remove": "Load#2" } ] } }""",
        """
            c.json:1  p._edit_.0.remove
              There is no step "Load#2": Load occurs once.
              The inherited steps are Load, Flip, Flip.
            """
    )]
    [InlineData(
        """{ "p": { "_edit_": [ { "after": "Load", "with": { } } ] } }""",
        """
            c.json:1  p._edit_.0
              {"after": "Load", "with": {}} is no edit. Edits are { "after": STEP, "insert": … }, { "before": STEP, "insert": … }, { "replace": STEP, "with": … }, { "change": STEP, "with": … } and { "remove": STEP }.
            """
    )]
    [InlineData(
        """{ "q": { "_edit_": [ { "remove": "Load" } ] } }""",
        """
            c.json:1  q
              "_edit_" changes an inherited list, but nothing is inherited here. Write the list itself.
            """
    )]
    [InlineData(
        """{ "m": { "_edit_": [ { "remove": "Load" } ] } }""",
        """
            c.json:1  m
              "_edit_" changes an inherited list; what is inherited here is an object (b.json:2).
            """
    )]
    [InlineData(
        """{ "p": { "_edit_": [ { "remove": "Load" } ], "x": 1 } }""",
        """
            c.json:1  p
              "_edit_" stands alone in its object; here are also "x".
            """
    )]
    [InlineData(
        """{ "m": { "_delete_": "yes" } }""",
        """
            c.json:1  m._delete_
              Expected true or false; found a string: "yes".
            """
    )]
    public void Edit(string child, string expected)
    {
        using var folder = new ConfigFolder(
            (
                "b.json",
                """
                { "p": [ { "type": "Load" }, { "type": "Flip" }, { "type": "Flip" } ],
                  "m": { "x": 1 } }
                """
            ),
            ("c.json", """{ "_base_": "b.json",""" + child[1..])
        );
        Assert.Equal(expected, folder.ErrorOf("c.json"));
    }

    [Theory]
    [InlineData("""{ "after": "Lod", "insert": { "type": "X" } }""", "after")]
    [InlineData("""{ "before": "Lod", "insert": [{ "type": "X" }] }""", "before")]
    [InlineData("""{ "replace": "Lod", "with": { "type": "X" } }""", "replace")]
    [InlineData("""{ "change": "Lod", "with": { "x": 1 } }""", "change")]
    [InlineData("""{ "remove": "Lod" }""", "remove")]
    public void Edit_OfAStepThatIsNotThere_IsAnError_WithEveryVerb(string edit, string verb)
    {
        using var folder = new ConfigFolder(
            ("b.json", """{ "p": [ { "type": "Load" } ] }"""),
            ("c.json", $$"""{ "_base_": "b.json", "p": { "_edit_": [ {{edit}} ] } }""")
        );
        Assert.Equal(
            $"""
            c.json:1  p._edit_.0.{verb}
              No inherited step is named "Lod". Did you mean "Load"?
              The inherited steps are Load.
            """,
            folder.ErrorOf("c.json")
        );
    }

    [Fact]
    public void SiblingEdit_IsAnError()
    {
        using var folder = new ConfigFolder(
            ("l.json", """{ "p": [ { "type": "A" } ] }"""),
            ("r.json", """{ "p": { "_edit_": [ { "remove": "A" } ] } }"""),
            ("c.json", """{ "_base_": ["l.json", "r.json"] }""")
        );
        Assert.Equal(
            """
            r.json:1  p   (a base of c.json)
              "_edit_" changes a list that a sibling set (l.json:1). Name that file as a base here, or edit the list where both are bases.
            """,
            folder.ErrorOf("c.json")
        );
    }

    [Fact]
    public void MutatedText_IsReadOrRefused_NeverACrash()
    {
        const string Text = """
            { // a comment
              "a": { "b": [1, -2.5e3, "x${c.d}", null, true], "_delete_": true }, "c": { "d": "${env:X,4}", "e": "${a.b.0}" },
              "p": [ { "type": "Flip" } ], "plugins": ["p.dll"], "é\u0041": "$${" }
            """;
        const string Pieces = "{}[]:,\"\\/*$.0-eE \n\u0000ntf_";
        var random = new Random(3);
        var read = 0;
        for (var i = 0; i < 5000; i++)
        {
            var text = new StringBuilder(Text);
            for (var changes = random.Next(1, 4); changes > 0; changes--)
            {
                var at = random.Next(text.Length);
                _ = random.Next(3) switch
                {
                    0 => text.Remove(at, Math.Min(random.Next(1, 6), text.Length - at)),
                    1 => text.Insert(at, Pieces[random.Next(Pieces.Length)]),
                    _ => text.Insert(at, text.ToString(random.Next(text.Length / 2), 9)),
                };
            }

            try
            {
                var document = ConfigDocument.Parse(text.ToString(), overrides: ["a.b.0=7"], environment: _ => null);
                _ = ConfigDocument.Parse(document.SaveText(), environment: _ => null);
                _ = document.ToConfiguration();
                read++;
            }
            catch (UserErrorException) { }
        }

        Assert.InRange(read, 100, 4900); // both ends are reached
    }

    [Fact]
    public void PluginInCheckpoint_SaysHowToNameIt() =>
        Assert.Equal(
            """
            best.safetensors
              Its config names a plugin: "../evil.dll".
              A plugin is code, so none is loaded from a checkpoint. If you trust it, name it yourself: Plugins = [PATH].
            """,
            Assert.Throws<UserErrorException>(() => Saved("""{ "plugins": ["../evil.dll"] }""")).Message
        );

    [Fact]
    public void PluginInCheckpoint_OnlyTheUsersOwnIsTaken()
    {
        var document = Saved("""{ "plugins": ["../evil.dll"], "a": 1 }""", "good.dll");
        Assert.Equal(Path.GetFullPath("good.dll"), Assert.Single(document.Plugins).Path);
        Assert.Null(document.Root["plugins"]);
    }

    private static ConfigDocument Saved(string json, params string[] plugins) =>
        ConfigDocument.FromCheckpoint(ConfigDocument.ReadSaved(json, "config in best.safetensors"), "best.safetensors", plugins: plugins);

    [Fact]
    public void Plugins_AreRelativeToTheFileThatNamesThem()
    {
        using var folder = new ConfigFolder(
            ("_base_/b.json", """{ "plugins": ["p.cs"] }"""),
            ("c.json", """{ "_base_": "_base_/b.json" }"""),
            ("work/x", "")
        );
        var document = folder.Load("c.json");
        Assert.Equal(Path.Combine(folder.Root, "_base_", "p.cs"), Assert.Single(document.Plugins).Path);
        Assert.Contains("\"../_base_/p.cs\"", document.ForSaving(Path.Combine(folder.Root, "work")).SaveText(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("momentun", "momentum")]
    [InlineData("AllConvNt", "AllConvNet")]
    [InlineData("SGD", "Sgd")]
    [InlineData("multi_step-LR", "MultiStepLr")]
    [InlineData("el", null)] // too far
    [InlineData("xyz", null)]
    public void Nearest(string name, string? expected) =>
        Assert.Equal(expected, NearestName.Find(name, ["lr", "momentum", "AllConvNet", "Sgd", "MultiStepLr", "weight_decay"]));

    [Theory]
    [InlineData("", "", 0)]
    [InlineData("ca", "ac", 1)] // a swap is one step
    [InlineData("kitten", "sitting", 3)]
    [InlineData("abc", "", 3)]
    public void Distance(string a, string b, int expected) => Assert.Equal(expected, NearestName.Distance(a, b));
}
