namespace Tessera.Framework.Components;

/// <summary>An option whose default has changed (<see cref="EarlierDefaultAttribute"/>), as a config has it.</summary>
/// <param name="Parent">The path of the object that holds it.</param>
/// <param name="Key">The option.</param>
/// <param name="Place">Where that object was written.</param>
/// <param name="Value">What the config says; null where it leaves the option out.</param>
public sealed record ChangedOption(string Parent, ConfigKey Key, SourceLocation Place, ConfigValue? Value)
{
    /// <summary>Its path.</summary>
    public string Path => ConfigPath.Join(Parent, Key.Name);

    /// <summary>What the option means today where a config leaves it out; null where that is no value.</summary>
    public ConfigValue? Now => Written(Key.Default);

    /// <summary>What it meant before its default changed; null where that is no value.</summary>
    public ConfigValue? Before => Written(Key.Earlier);

    /// <summary>All such options of a document, whose mistakes are passed over.</summary>
    /// <typeparam name="T">The record that the whole document is read as.</typeparam>
    public static IReadOnlyList<ChangedOption> Find<T>(ComponentRegistry registry, ConfigDocument document)
        where T : class => OptionsBinder.Changed<T>(registry, document);

    private ConfigValue? Written(object? value) =>
        value switch
        {
            null => null,
            string text => new ConfigValue(Place, ConfigValueKind.String, text),
            bool => new ConfigValue(Place, ConfigValueKind.Boolean, Key.Type.Show(value)),
            Enum => new ConfigValue(Place, ConfigValueKind.String, Key.Type.Show(value)),
            _ => new ConfigValue(Place, ConfigValueKind.Number, Key.Type.Show(value)),
        };
}
