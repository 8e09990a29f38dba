using System.ComponentModel.DataAnnotations;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Framework.Components;
using Tessera.Framework.Errors;
using Tessera.Tests.Framework.Components;

[assembly: Receives(typeof(Part), typeof(IPower), "main")]
[assembly: Receives(typeof(Engine), typeof(IPower), By = "the workshop")]

namespace Tessera.Tests.Framework.Components;

[ComponentKind("engine")]
public abstract class Engine
{
    /// <summary>Shared by every engine.</summary>
    [FromConfig]
    public double Gain { get; set; } = 1;

    /// <summary>A child that every engine may have.</summary>
    [FromConfig]
    public Part? Spare { get; set; }
}

[ComponentKind("part")]
public abstract class Part;

[ComponentKind("box", Plural = "boxes")]
public interface IBox;

public interface IPower
{
    int Power { get; }
}

public enum Mode
{
    FastPath,
    Slow,
    L2,
}

/// <param name="Width">Of a tooth.</param>
public sealed record ToothOptions([property: Range(1, 10)] int Width, string? Label = null);

/// <param name="Metric">The one word that is needed.</param>
public sealed record FollowedOptions(string Metric, string? Rule = null);

/// <param name="Teeth">How many.</param>
/// <param name="Ratio">Of speeds.</param>
/// <param name="Sizes">Some sizes.</param>
/// <param name="Mode">How it runs.</param>
/// <param name="Tooth">Each of them.</param>
public sealed record GearOptions(
    [property: Range(1, 100)] int Teeth,
    [property: Range(0.0, 1.0, MinimumIsExclusive = true)] double Ratio = 0.5,
    [property: MinLength(1), Range(0, 9)] IReadOnlyList<int>? Sizes = null,
    Mode Mode = Mode.Slow,
    bool On = true,
    string Name = "gear",
    ToothOptions? Tooth = null,
    HeightWidth? Area = null,
    IReadOnlyDictionary<string, ToothOptions>? Named = null,
    JsonObject? Free = null,
    float? Limit = null,
    [property: AllowedValues(1, 2, 4)] long Power = 1,
    FollowedOptions? Follows = null
) : IValidatableObject
{
    /// <summary>Set after construction.</summary>
    [Range(0, 5)]
    public int[] Extra { get; init; } = [1, 2];

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Mode == Mode.FastPath && Teeth > 50)
            yield return new ValidationResult("A fast gear has at most 50 teeth.", [nameof(Teeth)]);
    }
}

/// <summary>Turns things.</summary>
/// <remarks>Archimedes, "On gears", 250 BC.</remarks>
[Component("Gear")]
public sealed class Gear(GearOptions options) : Part, IPower
{
    public GearOptions Options { get; } = options;

    public int Power => Options.Teeth;
}

[Component("Bolt")]
public sealed class Bolt : Part;

[Component("Crate")]
public sealed class Crate(IReadOnlyDictionary<string, Part> parts) : IBox
{
    public IReadOnlyDictionary<string, Part> Parts { get; } = parts;
}

/// <summary>Asks for the power of the main part around it.</summary>
[Component("Meter")]
public sealed class Meter(IPower source) : Part
{
    public IPower Source { get; } = source;
}

[Component("Fussy")]
public sealed class Fussy : Part
{
    public Fussy(IPower source)
    {
        if (source.Power > 10)
            throw new UserErrorException($"Fussy takes up to 10 teeth; Gear has {source.Power}.");
    }
}

public sealed record MotorOptions(
    int Speed = 3,
    ComponentSpec<Part>? Later = null,
    OneOrNamed<ComponentSpec<Part>>? Either = null,
    OneOrMany<int>? Some = null
);

/// <param name="main">The part that is built first.</param>
[Component("Motor")]
public sealed class Motor(MotorOptions options, Part main, IReadOnlyList<Part>? parts = null, IBox? box = null, TimeProvider? clock = null)
    : Engine
{
    public MotorOptions Options { get; } = options;

    public Part Main { get; } = main;

    public IReadOnlyList<Part>? Parts { get; } = parts;

    public IBox? Box { get; } = box;

    public TimeProvider? Clock { get; } = clock;
}

/// <summary>Its front part is built first and may ask for the main one.</summary>
[Component("Wagon")]
public sealed class Wagon(Part front, Part main) : Engine
{
    public Part Front { get; } = front;

    public Part Main { get; } = main;
}

/// <summary>Asks for what only a builder hands over.</summary>
[Component("Trailer")]
public sealed class Trailer(IPower power) : Engine
{
    public IPower Power { get; } = power;
}

/// <summary>Asks for services alone.</summary>
[Component("Clock")]
public sealed class Clock(TimeProvider time, [FromKeyedServices("spare")] TimeProvider? spare = null) : IBox
{
    public TimeProvider Time { get; } = time;

    public TimeProvider? Spare { get; } = spare;
}

public sealed record RigOptions(ComponentSpec<Engine> Engine, int Seed = 0, ToothOptions? Tooth = null);
