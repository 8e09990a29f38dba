using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>Marks modules that hold no parameters and no buffers.</summary>
public interface IParameterLessModule;

/// <summary>A module of 1 input without parameters: moving it does nothing, registering a tensor in it is an error.</summary>
public abstract class ParameterLessModule<T1, TResult> : nn.Module<T1, TResult>, IParameterLessModule
{
    protected ParameterLessModule(string name) : base(name) { }

    protected internal override nn.Module _to(Device device, ScalarType dtype, bool non_blocking) => this;
    protected internal override nn.Module _to(DeviceType deviceType, int deviceIndex, bool non_blocking) => this;
    protected internal override nn.Module _to(ScalarType dtype, bool non_blocking) => this;
    public override void register_buffer(string name, Tensor tensor, bool persistent = true) => throw ParameterLess.Refuse("buffer", name);
    public override void register_parameter(string name, Parameter param) => throw ParameterLess.Refuse("parameter", name);

    public override void register_module(string name, nn.Module submodule)
    {
        ParameterLess.Require(name, submodule);
        base.register_module(name, submodule);
    }
}

/// <summary>A module of 2 inputs without parameters: moving it does nothing, registering a tensor in it is an error.</summary>
public abstract class ParameterLessModule<T1, T2, TResult> : nn.Module<T1, T2, TResult>, IParameterLessModule
{
    protected ParameterLessModule(string name) : base(name) { }

    protected internal override nn.Module _to(Device device, ScalarType dtype, bool non_blocking) => this;
    protected internal override nn.Module _to(DeviceType deviceType, int deviceIndex, bool non_blocking) => this;
    protected internal override nn.Module _to(ScalarType dtype, bool non_blocking) => this;
    public override void register_buffer(string name, Tensor tensor, bool persistent = true) => throw ParameterLess.Refuse("buffer", name);
    public override void register_parameter(string name, Parameter param) => throw ParameterLess.Refuse("parameter", name);

    public override void register_module(string name, nn.Module submodule)
    {
        ParameterLess.Require(name, submodule);
        base.register_module(name, submodule);
    }
}

/// <summary>A module of 3 inputs without parameters: moving it does nothing, registering a tensor in it is an error.</summary>
public abstract class ParameterLessModule<T1, T2, T3, TResult> : nn.Module<T1, T2, T3, TResult>, IParameterLessModule
{
    protected ParameterLessModule(string name) : base(name) { }

    protected internal override nn.Module _to(Device device, ScalarType dtype, bool non_blocking) => this;
    protected internal override nn.Module _to(DeviceType deviceType, int deviceIndex, bool non_blocking) => this;
    protected internal override nn.Module _to(ScalarType dtype, bool non_blocking) => this;
    public override void register_buffer(string name, Tensor tensor, bool persistent = true) => throw ParameterLess.Refuse("buffer", name);
    public override void register_parameter(string name, Parameter param) => throw ParameterLess.Refuse("parameter", name);

    public override void register_module(string name, nn.Module submodule)
    {
        ParameterLess.Require(name, submodule);
        base.register_module(name, submodule);
    }
}

/// <summary>A module of 4 inputs without parameters: moving it does nothing, registering a tensor in it is an error.</summary>
public abstract class ParameterLessModule<T1, T2, T3, T4, TResult> : nn.Module<T1, T2, T3, T4, TResult>, IParameterLessModule
{
    protected ParameterLessModule(string name) : base(name) { }

    protected internal override nn.Module _to(Device device, ScalarType dtype, bool non_blocking) => this;
    protected internal override nn.Module _to(DeviceType deviceType, int deviceIndex, bool non_blocking) => this;
    protected internal override nn.Module _to(ScalarType dtype, bool non_blocking) => this;
    public override void register_buffer(string name, Tensor tensor, bool persistent = true) => throw ParameterLess.Refuse("buffer", name);
    public override void register_parameter(string name, Parameter param) => throw ParameterLess.Refuse("parameter", name);

    public override void register_module(string name, nn.Module submodule)
    {
        ParameterLess.Require(name, submodule);
        base.register_module(name, submodule);
    }
}

/// <summary>A module of 5 inputs without parameters: moving it does nothing, registering a tensor in it is an error.</summary>
public abstract class ParameterLessModule<T1, T2, T3, T4, T5, TResult> : nn.Module<T1, T2, T3, T4, T5, TResult>, IParameterLessModule
{
    protected ParameterLessModule(string name) : base(name) { }

    protected internal override nn.Module _to(Device device, ScalarType dtype, bool non_blocking) => this;
    protected internal override nn.Module _to(DeviceType deviceType, int deviceIndex, bool non_blocking) => this;
    protected internal override nn.Module _to(ScalarType dtype, bool non_blocking) => this;
    public override void register_buffer(string name, Tensor tensor, bool persistent = true) => throw ParameterLess.Refuse("buffer", name);
    public override void register_parameter(string name, Parameter param) => throw ParameterLess.Refuse("parameter", name);

    public override void register_module(string name, nn.Module submodule)
    {
        ParameterLess.Require(name, submodule);
        base.register_module(name, submodule);
    }
}

/// <summary>A module of 6 inputs without parameters: moving it does nothing, registering a tensor in it is an error.</summary>
public abstract class ParameterLessModule<T1, T2, T3, T4, T5, T6, TResult> : nn.Module<T1, T2, T3, T4, T5, T6, TResult>, IParameterLessModule
{
    protected ParameterLessModule(string name) : base(name) { }

    protected internal override nn.Module _to(Device device, ScalarType dtype, bool non_blocking) => this;
    protected internal override nn.Module _to(DeviceType deviceType, int deviceIndex, bool non_blocking) => this;
    protected internal override nn.Module _to(ScalarType dtype, bool non_blocking) => this;
    public override void register_buffer(string name, Tensor tensor, bool persistent = true) => throw ParameterLess.Refuse("buffer", name);
    public override void register_parameter(string name, Parameter param) => throw ParameterLess.Refuse("parameter", name);

    public override void register_module(string name, nn.Module submodule)
    {
        ParameterLess.Require(name, submodule);
        base.register_module(name, submodule);
    }
}

internal static class ParameterLess
{
    public static InvalidOperationException Refuse(string what, string name)
        => new($"Cannot register the {what} '{name}' on a module that is declared 'parameter-less'.");

    public static void Require(string name, nn.Module submodule)
    {
        if (submodule is not IParameterLessModule)
            throw new InvalidOperationException($"Submodules of a parameter-less module must also be parameter-less: '{name}' is not.");
    }
}
