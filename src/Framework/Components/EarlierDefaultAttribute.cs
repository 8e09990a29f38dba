namespace Tessera.Framework.Components;

/// <summary>
/// Marks an option whose default changes what existing models give. It is written into every resolved config, and a
/// checkpoint whose config lacks it is read with the value that held before.
/// </summary>
/// <param name="value">What held while checkpoints did not name the option: a bool, a number, a string or an enum's value.</param>
[AttributeUsage(AttributeTargets.Property | AttributeTargets.Parameter)]
public sealed class EarlierDefaultAttribute(object value) : Attribute
{
    /// <summary>What a checkpoint without the option means.</summary>
    public object Value { get; } = value;

    /// <summary>What a config without the option means. Needed on a property of a component; an options record tells its own
    /// default.</summary>
    public object? Now { get; init; }
}
