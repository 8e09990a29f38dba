using System.Reflection;
using System.Reflection.Emit;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Framework.Components;
using Tessera.Framework.Configuration;
using Tessera.Framework.Errors;

namespace Tessera.Tests.Framework.Components;

public sealed class ComponentBuilderTests
{
    private static readonly ServiceProvider Services = new ServiceCollection()
        .AddComponents(typeof(Gear).Assembly)
        .AddSingleton(TimeProvider.System)
        .BuildServiceProvider();

    private static ComponentBuilder Builder => Services.GetRequiredService<ComponentBuilder>();

    [Fact]
    public void Options_OfEveryType_AreBound()
    {
        var gear = (Gear)
            Builder.Build<Part>(
                """
                { "type": "Gear", "teeth": 1.2e1, "ratio": 1, "sizes": [1, 2], "mode": "fast_path", "on": false, "name": "x", "tooth": { "width": 2 },
                  "area": [3, 4], "named": { "a.b": { "width": 1, "label": "l" } }, "free": { "any": [1] }, "limit": 0.5, "power": 4, "extra": [5] }
                """
            );
        var options = gear.Options;
        Assert.Equal(
            (12, 1.0, Mode.FastPath, false, "x", 0.5f, 4L),
            (options.Teeth, options.Ratio, options.Mode, options.On, options.Name, options.Limit, options.Power)
        );
        Assert.Equal([1, 2], options.Sizes!);
        Assert.Equal(new ToothOptions(2), options.Tooth);
        Assert.Equal(new HeightWidth(3, 4), options.Area);
        Assert.Equal(new ToothOptions(1, "l"), options.Named!["a.b"]);
        Assert.Equal("""{"any":[1]}""", options.Free!.ToJsonString());
        Assert.Equal([5], options.Extra);
    }

    [Fact]
    public void Options_LeftOut_KeepTheirDefaults()
    {
        var options = ((Gear)Builder.Build<Part>("""{ "type": "Gear", "teeth": 3 }""")).Options;
        Assert.Equal((0.5, Mode.Slow, true, "gear", 1L), (options.Ratio, options.Mode, options.On, options.Name, options.Power));
        Assert.Null(options.Sizes);
        Assert.Null(options.Limit);
        Assert.Equal([1, 2], options.Extra);
    }

    [Fact]
    public void Children_OneListMapAndShared_AreBuilt()
    {
        var motor = (Motor)
            Builder.Build<Engine>(
                """
                { "type": "Motor", "speed": 5, "gain": 2.5, "spare": { "type": "Bolt" }, "main": { "type": "Gear", "teeth": 7 },
                  "parts": [ { "type": "Bolt" }, { "type": "Meter" } ], "box": { "type": "Crate", "parts": { "a": { "type": "Meter" } } } }
                """
            );
        Assert.Equal((5, 2.5), (motor.Options.Speed, motor.Gain));
        Assert.IsType<Bolt>(motor.Spare);
        var main = Assert.IsType<Gear>(motor.Main);
        Assert.IsType<Bolt>(motor.Parts![0]);
        Assert.Same(main, ((Meter)motor.Parts[1]).Source); // a sibling built before
        Assert.Same(main, ((Meter)((Crate)motor.Box!).Parts["a"]).Source); // an ancestor's child built before
        Assert.Same(TimeProvider.System, motor.Clock); // a service
    }

    [Fact]
    public void Children_Optional_MayBeLeftOut()
    {
        var motor = (Motor)Builder.Build<Engine>("""{ "type": "Motor", "main": { "type": "Bolt" } }""");
        Assert.Null(motor.Parts);
        Assert.Null(motor.Box);
        Assert.Equal(1, motor.Gain);
    }

    [Fact]
    public void Specs_AreBuiltWhenAsked_AndSeeWhatIsGiven()
    {
        var options = (
            (Motor)
                Builder.Build<Engine>(
                    """
                    { "type": "Motor", "main": { "type": "Bolt" }, "later": { "type": "Meter" },
                      "either": { "a": { "type": "Bolt" }, "b": { "type": "Gear", "teeth": 2 } }, "some": 4 }
                    """
                )
        ).Options;
        var power = new Gear(new GearOptions(9));
        Assert.Equal("Meter", options.Later!.TypeName);
        Assert.Same(power, ((Meter)options.Later.Build(Services, power)).Source);
        Assert.Equal(["a", "b"], options.Either!.Named.Keys);
        Assert.Equal([4], options.Some!.Items);
    }

    [Fact]
    public void Specs_OneOrNamed_TakesOne()
    {
        var options = (
            (Motor)
                Builder.Build<Engine>(
                    """
                    { "type": "Motor", "main": { "type": "Bolt" }, "either": { "type": "Bolt" }, "some": [4, 5] }
                    """
                )
        ).Options;
        Assert.Equal("Bolt", options.Either!.Single!.TypeName);
        Assert.Empty(options.Either.Named);
        Assert.Equal([4, 5], options.Some!.Items);
    }

    [Fact]
    public void Part_OfASiblingThatComesLater_IsBuiltFirst_AndOnce()
    {
        var wagon = (Wagon)
            Builder.Build<Engine>("""{ "type": "Wagon", "front": { "type": "Meter" }, "main": { "type": "Gear", "teeth": 4 } }""");
        Assert.Same(wagon.Main, ((Meter)wagon.Front).Source);
    }

    [Fact]
    public void Part_NoNeighbourHas_IsTheOneHandedOver()
    {
        var (first, last) = (new Gear(new GearOptions(1)), new Gear(new GearOptions(2)));
        Assert.Same(last, ((Trailer)Builder.Build<Engine>("""{ "type": "Trailer" }""", first, "not one", last)).Power);
        var motor = (Motor)
            Builder.Build<Engine>("""{ "type": "Motor", "main": { "type": "Gear", "teeth": 7 }, "parts": [{ "type": "Meter" }] }""", last);
        Assert.Same(motor.Main, ((Meter)motor.Parts![0]).Source); // the neighbour goes before
    }

    [Fact]
    public void Services_AlsoKeyedOnes_FillTheConstructor()
    {
        using var services = new ServiceCollection()
            .AddComponents(typeof(Gear).Assembly)
            .AddSingleton(TimeProvider.System)
            .AddKeyedSingleton<TimeProvider>("spare", new StoppedClock())
            .BuildServiceProvider();
        var clock = (Clock)services.GetRequiredService<ComponentBuilder>().Build<IBox>("""{ "type": "Clock" }""");
        Assert.Same(TimeProvider.System, clock.Time);
        Assert.IsType<StoppedClock>(clock.Spare);
    }

    private sealed class StoppedClock : TimeProvider;

    [Fact]
    public void Bind_WholeDocument_TakesReservedKeys()
    {
        var document = ConfigDocument.Parse(
            """{ "$schema": "s", "vars": { "n": 4 }, "plugins": [], "engine": { "type": "Motor", "main": { "type": "Gear", "teeth": "${vars.n}" } }, "seed": 3 }"""
        );
        var rig = Builder.Bind<RigOptions>(document);
        Assert.Equal(3, rig.Seed);
        Assert.Equal(4, ((Gear)((Motor)Builder.Build(rig.Engine)).Main).Options.Teeth);
    }

    [Fact]
    public void AddComponents_NameTwice_NamesBothTypes() =>
        Assert.Equal(
            "Two parts are named \"Bolt\": Tessera.Tests.Framework.Components.Bolt (Tessera.Framework.Tests) and Foreign.Bolt (Foreign).",
            Assert
                .Throws<UserErrorException>(() =>
                    new ServiceCollection().AddComponents(typeof(Bolt).Assembly).AddComponents(Foreign(typeof(Part), "Bolt"))
                )
                .Message
        );

    [Fact]
    public void AddComponents_SameNameInAnotherKind_IsNoClash()
    {
        var services = new ServiceCollection()
            .AddComponents(typeof(Bolt).Assembly)
            .AddComponents(Foreign(typeof(Engine), "Bolt"))
            .BuildServiceProvider();
        var builder = services.GetRequiredService<ComponentBuilder>();
        Assert.Equal("Foreign.Bolt", builder.Build<Engine>("""{ "type": "Bolt" }""").GetType().FullName);
        Assert.IsType<Bolt>(builder.Build<Part>("""{ "type": "Bolt" }"""));
    }

    [Fact]
    public void AddComponents_WithoutKind_IsRefused() =>
        Assert.Equal(
            "Foreign.Bolt has [Component], but none of its base classes or interfaces has [ComponentKind].",
            Assert.Throws<UserErrorException>(() => new ComponentRegistry().Add(Foreign(typeof(object), "Bolt"))).Message
        );

    // An assembly with the one component class Foreign.Bolt.
    private static AssemblyBuilder Foreign(Type parent, string name)
    {
        var assembly = AssemblyBuilder.DefineDynamicAssembly(new AssemblyName("Foreign"), AssemblyBuilderAccess.Run);
        var type = assembly
            .DefineDynamicModule("Foreign")
            .DefineType("Foreign.Bolt", TypeAttributes.Public | TypeAttributes.Sealed, parent);
        type.DefineDefaultConstructor(MethodAttributes.Public);
        type.SetCustomAttribute(new CustomAttributeBuilder(typeof(ComponentAttribute).GetConstructor([typeof(string)])!, [name]));
        type.CreateType();
        return assembly;
    }
}
