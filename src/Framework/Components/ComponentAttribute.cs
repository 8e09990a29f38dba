namespace Tessera.Framework.Components;

/// <summary>Registers a class under the name that configs use in <c>"type"</c>. The name survives a rename of the class.</summary>
/// <remarks>
/// The class has one public constructor. It may take one options record (any type declared as a <c>record</c>), child components, what
/// its kind gets from its neighbours (<see cref="ReceivesAttribute"/>), and services.
/// </remarks>
/// <param name="name">The name, unique within the component's kind.</param>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class ComponentAttribute(string name) : Attribute
{
    public string Name { get; } = name;
}
