namespace Tessera.Framework.Components;

/// <summary>
/// Makes a record the reader of a section of the config, a key at its top that a plugin adds. The section is checked as every other option
/// is, and services and components ask for it as <c>IOptions&lt;TheRecord&gt;</c>.
/// </summary>
/// <param name="key">The key, in snake_case: <c>journal</c>.</param>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class ConfigSectionAttribute(string key) : Attribute
{
    public string Key { get; } = key;
}
