namespace Tessera.Framework.Components;

/// <summary>A choice that may be left to Tessera.</summary>
public enum AutoSwitch
{
    Auto,
    True,
    False,
}
