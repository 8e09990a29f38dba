namespace Tessera.Framework.Configuration;

/// <summary>A plugin that the user named.</summary>
/// <param name="Path">Full path of a .dll, .csproj or .cs file.</param>
/// <param name="Source">Where it was named.</param>
public sealed record PluginReference(string Path, SourceLocation Source);
