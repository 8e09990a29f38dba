namespace TorchSharp.Utils;

/// <summary>Gives a field's module, parameter or buffer another name in the state dict than the field's own.</summary>
[AttributeUsage(AttributeTargets.Field)]
public class ComponentNameAttribute : Attribute
{
    public string? Name { get; set; }
}
