using Microsoft.Extensions.DependencyInjection;
using Tessera.Framework.Components;
using Tessera.Framework.Configuration;
using Tessera.Framework.Errors;
using Tessera.Tests.Framework.Configuration;

namespace Tessera.Tests.Framework.Components;

/// <summary>One snapshot for each kind of mistake about components.</summary>
public sealed class ComponentErrorTests
{
    private const string GearKeys = "It takes teeth, ratio, sizes, mode, on, name, tooth, area, named, free, limit, power, follows, extra.";

    private static readonly ServiceProvider Services = new ServiceCollection().AddComponents(typeof(Gear).Assembly).BuildServiceProvider();

    private static ComponentBuilder Builder => Services.GetRequiredService<ComponentBuilder>();

    [Theory]
    [InlineData(
        """{ "type": "Geer" }""",
        """
            config:1  type
              No part is named "Geer". Did you mean "Gear"?
              Known parts: Bolt, Fussy, Gear, Meter.
            """
    )]
    [InlineData(
        """{ "type": "Motor" }""",
        """
            config:1  type
              Motor is an engine; a part is expected here.
              Known parts: Bolt, Fussy, Gear, Meter.
            """
    )]
    [InlineData(
        """{ "type": "LoadAnnotations" }""",
        """
            config:1  type
              No part is named "LoadAnnotations". That is MMDetection's; Tessera needs no such step, leave it out (for segmentation: LoadSegmentation stands in its place).
              Known parts: Bolt, Fussy, Gear, Meter.
            """
    )]
    [InlineData(
        """{ "type": "AmpOptimWrapper" }""",
        """
            config:1  type
              No part is named "AmpOptimWrapper". That is MMDetection's; Tessera needs no such layer: write the optimizer itself in its place; precision and train.clip_grad say the rest.
              Known parts: Bolt, Fussy, Gear, Meter.
            """
    )]
    [InlineData(
        """{ "teeth": 3 }""",
        """
            config:1
              It has no "type"; a part is expected here.
              Known parts: Bolt, Fussy, Gear, Meter.
            """
    )]
    [InlineData(
        """{ "type": 3 }""",
        """
            config:1  type
              Expected the name of a part; found a number: 3.
            """
    )]
    [InlineData(
        """{ "type": "Gear", "teeth": 3, "ration": 1 }""",
        "config:1  ration\n  Gear has no option \"ration\". Did you mean \"ratio\"? " + GearKeys
    )]
    [InlineData(
        """{ "type": "Gear", "teeth": 3, "num_classes": 1 }""",
        "config:1  num_classes\n  Gear has no option \"num_classes\". That is MMDetection's word; here it is \"dataset\": the count "
            + "comes from the data's class names. "
            + GearKeys
    )]
    [InlineData(
        """{ "type": "Bolt", "x": 3 }""",
        """
            config:1  x
              Bolt has no option "x". It takes none.
            """
    )]
    [InlineData(
        """{ "type": "Gear" }""",
        """
            config:1
              Gear needs "teeth": an integer.
            """
    )]
    [InlineData(
        """{ "type": "Gear", "teeth": "3" }""",
        """
            config:1  teeth
              Expected an integer; found a string: "3".
            """
    )]
    [InlineData(
        """{ "type": "Gear", "teeth": 3.5 }""",
        """
            config:1  teeth
              Expected an integer; found a number: 3.5.
            """
    )]
    [InlineData(
        """{ "type": "Gear", "teeth": 99999999999 }""",
        """
            config:1  teeth
              Expected an integer; found a number: 99999999999.
            """
    )]
    [InlineData(
        """{ "type": "Gear", "teeth": 3, "ratio": 1e999 }""",
        """
            config:1  ratio
              Expected a number; found a number: 1e999.
            """
    )]
    [InlineData(
        """{ "type": "Gear", "teeth": 3, "on": "True" }""",
        """
            config:1  on
              Expected true or false; found a string: "True". In JSON: true.
            """
    )]
    [InlineData(
        """{ "type": "Gear", "teeth": 3, "tooth": "dict(width=3)" }""",
        """
            config:1  tooth
              Expected an object with width, label; found a string: "dict(width=3)". In JSON: { "type": … } instead of dict(type=…).
            """
    )]
    [InlineData(
        """{ "type": "Gear", "teeth": 3, "follows": "auto" }""",
        """
            config:1  follows
              Expected an object with metric, rule; found a string: "auto". Here it is { "metric": … }.
            """
    )]
    [InlineData(
        """{ "type": "Gear", "teeth": 3, "tooth": "wide" }""",
        """
            config:1  tooth
              Expected an object with width, label; found a string: "wide".
            """
    )]
    [InlineData(
        """{ "type": "Gear", "teeth": 3, "sizes": 3 }""",
        """
            config:1  sizes
              Expected a list of integers; found a number: 3.
            """
    )]
    [InlineData(
        """{ "type": "Gear", "teeth": 3, "mode": "fastpath" }""",
        """
            config:1  mode
              "fastpath" is none of fast_path, slow, l2. Did you mean "fast_path"?
            """
    )]
    [InlineData(
        """{ "type": "Gear", "teeth": 3, "area": [1] }""",
        """
            config:1  area
              Expected a positive integer or [height, width]; found a list: [1].
            """
    )]
    [InlineData(
        """{ "type": "Gear", "teeth": 0 }""",
        """
            config:1  teeth
              "teeth" must be between 1 and 100; it is 0.
            """
    )]
    [InlineData(
        """{ "type": "Gear", "teeth": 3, "ratio": 0 }""",
        """
            config:1  ratio
              "ratio" must be greater than 0 and at most 1; it is 0.
            """
    )]
    [InlineData(
        """{ "type": "Gear", "teeth": 3, "sizes": [] }""",
        """
            config:1  sizes
              "sizes" must have at least 1 item; it has 0.
            """
    )]
    [InlineData(
        """{ "type": "Gear", "teeth": 3, "sizes": [1, 10] }""",
        """
            config:1  sizes.1
              "sizes" must be between 0 and 9; it is 10.
            """
    )]
    [InlineData(
        """{ "type": "Gear", "teeth": 3, "power": 3 }""",
        """
            config:1  power
              "power" must be one of 1, 2, 4; it is 3.
            """
    )]
    [InlineData(
        """{ "type": "Gear", "teeth": 3, "tooth": { "width": 3, "lable": "x" } }""",
        """
            config:1  tooth.lable
              tooth has no option "lable". Did you mean "label"? It takes width, label.
            """
    )]
    [InlineData(
        """{ "type": "Gear", "teeth": 60, "mode": "fast_path" }""",
        """
            config:1  teeth
              A fast gear has at most 50 teeth.
            """
    )]
    [InlineData(
        """{ "type": "Meter" }""",
        """
            config:1
              Meter needs an IPower from the "main" beside it; there is none here.
            """
    )]
    public void Part(string json, string expected) =>
        Assert.Equal(expected, Assert.Throws<UserErrorException>(() => Builder.Build<Part>(json)).Message);

    [Fact]
    public void PartThatNobodyHandsOver_SaysWhoWould() =>
        Assert.Equal(
            """
            config:1
              Trailer needs an IPower, which the workshop gives; it isn't given here.
            """,
            Assert.Throws<UserErrorException>(() => Builder.Build<Engine>("""{ "type": "Trailer" }""")).Message
        );

    [Fact]
    public void ServiceThatNobodyRegistered_SaysWhatIsGivenInstead() =>
        Assert.Equal(
            """
            config:1  box
              Clock needs a TimeProvider, but no service is one, and a box gets nothing from its neighbours.
              A plugin can register a service (IPluginServices), or say where the part comes from: [assembly: Receives(…)].
            """,
            Assert
                .Throws<UserErrorException>(() =>
                    Builder.Build<Engine>("""{ "type": "Motor", "main": { "type": "Bolt" }, "box": { "type": "Clock" } }""")
                )
                .Message
        );

    [Fact]
    public void ManyMistakes_AreReportedAtOnce_InFileOrder()
    {
        using var folder = new ConfigFolder(
            (
                "_base_/engine.json",
                """
                {
                  "engine": {
                    "type": "Motor", "main": { "type": "Gear", "teeth": 200 },
                    "gian": 3 } }
                """
            ),
            (
                "c.json",
                """
                { "_base_": "_base_/engine.json",
                  "sed": 3, "base_lr": 1,
                  "engine": { "parts": [ { "type": "Bolt" },
                    { "type": "Bot" } ] },
                  "tooth": { "width": "wide" } }
                """
            )
        );
        var document = folder.Load("c.json", "engine.speeed=3", "engine.main.teethe=1");
        Assert.Equal(
            """
            c.json:2  sed
              The config has no key "sed". Did you mean "seed"? It takes engine, seed, tooth.

            c.json:2  base_lr
              The config has no key "base_lr". That is openseg's word; here it is "optimizer.lr". It takes engine, seed, tooth.

            c.json:4  engine.parts.1.type
              No part is named "Bot". Did you mean "Bolt"?
              Known parts: Bolt, Fussy, Gear, Meter.

            c.json:5  tooth.width
              Expected an integer; found a string: "wide".

            _base_/engine.json:3  engine.main.teeth   (a base of c.json)
              "teeth" must be between 1 and 100; it is 200.

            _base_/engine.json:4  engine.gian   (a base of c.json)
              Motor has no option "gian". Did you mean "gain"? It takes speed, later, either, some, main, parts, box, gain, spare.

            --cfg-options  engine.main.teethe
              Gear has no option "teethe". Did you mean "teeth"? It takes teeth, ratio, sizes, mode, on, name, tooth, area, named, free, limit, power, follows, extra.

            --cfg-options  engine.speeed
              Motor has no option "speeed". Did you mean "speed"? It takes speed, later, either, some, main, parts, box, gain, spare.
            """,
            folder.Clean(Assert.Throws<UserErrorException>(() => Builder.Bind<RigOptions>(document)).Message)
        );
    }

    [Fact]
    public void LeftoverOptions_AfterAChangeOfType_PointToDelete()
    {
        using var folder = new ConfigFolder(
            ("b.json", """{ "engine": { "type": "Motor", "main": { "type": "Gear", "teeth": 3 } } }"""),
            ("c.json", """{ "_base_": "b.json", "engine": { "main": { "type": "Bolt" } } }""")
        );
        Assert.Equal(
            """
            b.json:1  engine.main.teeth   (a base of c.json)
              Bolt has no option "teeth". It takes none.
              The type was changed from Gear to Bolt in c.json:1, and this option is Gear's: add "_delete_": true there to drop what was inherited.
            """,
            folder.Clean(Assert.Throws<UserErrorException>(() => Builder.Bind<RigOptions>(folder.Load("c.json"))).Message)
        );
    }

    [Fact]
    public void Override_MaySetWhatTheFileDoesNotMention()
    {
        using var folder = new ConfigFolder(("c.json", """{ "engine": { "type": "Motor", "main": { "type": "Gear", "teeth": 3 } } }"""));
        var rig = Builder.Bind<RigOptions>(folder.Load("c.json", "engine.main.ratio=0.25", "tooth.width=2"));
        Assert.Equal(0.25, ((Gear)((Motor)Builder.Build(rig.Engine)).Main).Options.Ratio);
        Assert.Equal(2, rig.Tooth!.Width);
    }

    [Fact]
    public void MistakeFoundWhileBuilding_SaysWhere() =>
        Assert.Equal(
            """
            config:2  parts.0
              Fussy takes up to 10 teeth; Gear has 11.
            """,
            Assert
                .Throws<UserErrorException>(() =>
                    Builder.Build<Engine>(
                        """
                        { "type": "Motor", "main": { "type": "Gear", "teeth": 11 },
                          "parts": [ { "type": "Fussy" } ] }
                        """
                    )
                )
                .Message
        );

    [Fact]
    public void MissingComponent_IsNamed() =>
        Assert.Equal(
            """
            config:1  engine
              The config has no "engine"; expected an engine: an object with "type".
            """,
            Assert.Throws<UserErrorException>(() => Builder.Describe<Engine>(ConfigDocument.Parse("{ }"), "engine")).Message
        );
}
