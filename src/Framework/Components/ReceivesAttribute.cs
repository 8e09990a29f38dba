namespace Tessera.Framework.Components;

/// <summary>
/// One line of the table that says what components get beside their options, their children and services. An assembly writes its lines
/// into one file, Parts.cs; docs/configs.md shows them all.
/// </summary>
/// <param name="receiver">A kind of component, or any type that the component is.</param>
/// <param name="part">The type of the constructor's parameter.</param>
/// <param name="from">
/// Keys of the component around it, as in the config: the first that is there gives the part. Where that component has none, the next one
/// outwards is asked. No keys: the part is handed over by whoever builds the component.
/// </param>
[AttributeUsage(AttributeTargets.Assembly, AllowMultiple = true)]
public sealed class ReceivesAttribute(Type receiver, Type part, params string[] from) : Attribute
{
    public Type Receiver { get; } = receiver;

    public Type Part { get; } = part;

    public IReadOnlyList<string> From { get; } = from;

    /// <summary>Who hands the part over where no neighbour has it, as docs and messages say it: "the run".</summary>
    public string? By { get; init; }
}
